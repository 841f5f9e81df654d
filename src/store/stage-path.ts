import { basename, dirname, join } from 'node:path'

/** The folder beside the store where runs keep their plans until they are applied. */
export const stageFolder = (storePath: string): string => join(dirname(storePath), `${basename(storePath)}.stage`)

export const stagePath = (storePath: string, resultId: string, section: string): string =>
  join(stageFolder(storePath), `${resultId}-${section}.db`)
