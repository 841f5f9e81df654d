import { commandNamed, commandNames, groupNamed } from '../../src/cli/commands/index.ts'

/** All there are. */
export const commands = commandNames.map(commandNamed).filter((one) => one !== undefined)
export const groups = commandNames.map(groupNamed).filter((one) => one !== undefined)
