import { Command as Commander, CommanderError, Option } from 'commander'
import { UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { packageVersion } from '../base/package.ts'
import { type Command, type CommandGroup, type CommandOption, type OptionValues, text } from './command.ts'
import { commandNamed, commandNames, groupNamed, headings } from './commands/index.ts'
import { outputs } from './render/printer.ts'
import type { Terminal } from './terminal.ts'

export interface Invocation {
  readonly command: Command
  readonly args: readonly string[]
  readonly options: OptionValues
}

/**
 * What the arguments ask for; undefined when commander has answered itself (help, version).
 * @throws UserError IQ1001 with the nearest command or option
 */
export async function parseInvocation(argv: readonly string[], terminal: Terminal): Promise<Invocation | undefined> {
  let found: Invocation | undefined
  let answer = ''
  const keep = (out: string): void => {
    answer += out
  }
  const configure = (commander: Commander): Commander =>
    commander
      .exitOverride()
      .configureHelp({ subcommandTerm: termOf })
      .configureOutput({
        writeOut: keep,
        // help that nobody asked for, because no command is named; messages come as errors
        writeErr: keep,
        getOutHelpWidth: () => terminal.columns,
        getErrHelpWidth: () => terminal.columns,
      })
  const program = configure(new Commander('iqtask'))
    .description('identity and access management batch work from a terminal')
    .version(packageVersion, '--version', 'print the version')
    .addHelpText('before', examplesOf(['iqtask init demo --example', 'iqtask run aggregation', 'iqtask results']))
  // what another command takes is none of this one's business: to declare all of it takes longer than most commands do
  const [noun, verb] = argv[0] === 'help' ? argv.slice(1) : argv
  const add = (parent: Commander, command: Command, isMeant: boolean, isDefault = false): Commander => {
    const child = configure(parent.command(command.name, { isDefault })).description(command.summary)
    for (const argument of (command.arguments ?? '').split(' ').filter((part) => part !== '')) child.argument(argument)
    if (isMeant) declareOptions(child, command)
    child.action(() => {
      found = { command, args: child.args, options: child.opts() }
    })
    return child
  }
  const addGroup = (group: CommandGroup): Commander => {
    const parent = configure(program.command(group.name)).description(group.summary)
    if (group.name !== noun) return parent
    const [first] = group.commands
    const meant = group.commands.find((command) => command.name === verb) ?? first
    const isNamed = meant?.name === verb && argv[0] !== 'help'
    const listsAll = !isNamed && (argv[0] === 'help' || ['help', '--help', '-h'].some((word) => argv.includes(word)))
    for (const command of listsAll ? group.commands : [meant])
      if (command !== undefined) add(parent, command, command === meant || verb === 'help', command === first)
    return parent
  }
  // suggestions and lists need them all, a command that is named only itself
  const isKnown = commandNames.includes(noun ?? '')
  for (const [heading, names] of headings)
    for (const name of isKnown ? names.filter((one) => one === noun) : names) {
      const command = commandNamed(name)
      const group = groupNamed(name)
      if (command !== undefined) add(program, command, name === noun).helpGroup(heading)
      if (group !== undefined) addGroup(group).helpGroup(heading)
    }
  refuseUnknownVerb(argv)
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0 || error.code === 'commander.help') {
      await terminal.out(answer)
      return undefined
    }
    throw usageError(error, argv)
  }
  return found
}

/** A group's bare name runs its first verb; another word is a verb, never an argument of that one. */
function refuseUnknownVerb([noun, verb]: readonly string[]): void {
  const group = groupNamed(noun)
  if (group === undefined || verb === undefined || verb.startsWith('-') || verb === 'help') return
  const verbs = group.commands.map((command) => command.name)
  if (verbs.includes(verb)) return
  throw new UserError(`unknown command '${group.name} ${verb}'`, {
    code: 'IQ1001',
    hint: didYouMean(verb, verbs) ?? `iqtask ${group.name} ${verbs.join('|')}`,
  })
}

const examplesOf = (examples: readonly string[]): string =>
  `Examples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n`

/** A command in a list of them: they all take options. */
const termOf = (commander: Commander): string =>
  [
    commander.name(),
    ...commander.registeredArguments.map((one) => {
      const name = `${one.name()}${one.variadic ? '...' : ''}`
      return one.required ? `<${name}>` : `[${name}]`
    }),
  ].join(' ')

function declareOptions(commander: Commander, command: Command): void {
  commander.addHelpText('before', examplesOf(command.examples))
  for (const option of [...(command.options ?? []), ...globalOptions]) commander.addOption(optionOf(option))
}

function optionOf(definition: CommandOption): Option {
  const option = new Option(definition.flags, definition.summary)
  if (definition.choices !== undefined) option.choices([...definition.choices])
  if (definition.repeated === true)
    option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value])
  return option
}

/** Every command takes these. */
export const globalOptions: readonly CommandOption[] = [
  { flags: '--json', summary: 'one JSON document on stdout' },
  { flags: '--output <format>', summary: 'how the result is printed', choices: outputs },
  { flags: '--fields <names>', summary: 'only these fields, separated by commas' },
  { flags: '--project <dir>', summary: "the project's folder; default: searched upward from here" },
  { flags: '--config <file>', summary: 'the configuration file' },
  { flags: '--utc', summary: 'times in UTC instead of the local zone' },
  { flags: '--no-input', summary: 'never ask' },
  { flags: '--no-color', summary: 'no colour' },
]

/** Commander's sentence without its prefix; its suggestion becomes the hint. */
function usageError(error: CommanderError, argv: readonly string[]): UserError {
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  return new UserError(first, {
    code:
      error.code === 'commander.invalidArgument' || error.code === 'commander.missingArgument' ? 'IQ1002' : 'IQ1001',
    hint: suggestion === undefined ? helpFor(argv) : suggestion.replace(/[()]/g, '').toLowerCase(),
    cause: error,
  })
}

/** The help of the command that was meant, as far as it can be told. */
function helpFor([noun = '', verb = '']: readonly string[]): string {
  const verbs = groupNamed(noun)?.commands ?? []
  if (verbs.some((command) => command.name === verb)) return `iqtask ${noun} ${verb} --help`
  return commandNamed(noun) !== undefined ? `iqtask ${noun} --help` : 'iqtask --help'
}

export const outputOf = (options: OptionValues): (typeof outputs)[number] =>
  options.json === true ? 'json' : (outputs.find((output) => output === options.output) ?? 'table')

export const fieldsOf = (options: OptionValues): string[] | undefined =>
  text(options, 'fields')
    ?.split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '')
