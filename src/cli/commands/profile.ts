import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { App } from '../../app.ts'
import { UserError } from '../../base/errors.ts'
import { type Command, type CommandContext, text } from '../command.ts'
import { safe } from '../terminal.ts'

export const profile: Command = {
  name: 'profile',
  arguments: '<file>',
  summary:
    'propose an application file from a feed: keys, types, lists, dates, flags, correlation; every line says what it stands on',
  examples: [
    'iqtask application profile hr.csv',
    'iqtask application profile data/ad.jsonl --out applications/ad.yaml',
    'iqtask application profile hr.csv --json | jq .proposal.key',
  ],
  options: [
    { flags: '--out <file>', summary: 'write the proposal there instead of printing it' },
    { flags: '--name <name>', summary: "the application's name; default: from the file's" },
  ],
  async run(context, [given = ''], options) {
    const { profileFile } = await import('../../app.ts')
    const { cwd } = context.terminal
    const app = await projectIfThere(context)
    const out = text(options, 'out')
    const target = out === undefined ? undefined : resolve(cwd, out)
    if (target !== undefined && existsSync(target))
      throw new UserError(`${out} exists already`, { code: 'IQ1002', hint: 'name a file that does not exist yet' })
    const applications = app === undefined ? cwd : join(app.project.folder, 'applications')
    const document = await profileFile({
      file: resolve(cwd, given),
      folder: target === undefined ? applications : dirname(target),
      name: text(options, 'name'),
      signal: new AbortController().signal,
      identities: app?.storeIfExists()?.identities.values() ?? [],
    })
    if (target !== undefined) {
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, document.text, { flag: 'wx' })
      context.terminal.err(`written to ${out}: read every line, then iqtask config validate\n`)
    }
    await context.printer.document(document, () => (target === undefined ? safe(document.text) : ''))
    return undefined
  },
}

/** A feed may be looked at before there is a project, or while the project is not right yet. */
async function projectIfThere(context: CommandContext): Promise<App | undefined> {
  try {
    return await context.app()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    if (error.code !== 'IQ1003')
      context.terminal.err(`correlation is not measured, the project is not right yet: ${safe(error.message)}\n`)
    return undefined
  }
}
