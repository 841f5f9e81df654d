import { resolve } from 'node:path'
import type { App, Store } from '../../app.ts'
import { UserError } from '../../base/errors.ts'
import { type CommandContext, type CommandGroup, type OptionValues, text } from '../command.ts'
import { confirm } from '../confirm.ts'
import { renderBytes, renderCount, renderValue } from '../render/values.ts'
import { safe } from '../terminal.ts'

export const store: CommandGroup = {
  name: 'store',
  summary: 'the store: one SQLite file',
  commands: [
    { name: 'info', summary: 'where it is, how big, what it holds', examples: ['iqtask store info'], run: info },
    {
      name: 'check',
      summary: 'look for damage, and for changes that went past iqtask; mends nothing',
      examples: [
        'iqtask store check',
        'iqtask store check --quick',
        'iqtask store check --checkpoint /safe/audit.json',
      ],
      options: [
        { flags: '--quick', summary: 'only the structure of the file' },
        { flags: '--checkpoint <file>', summary: 'compare the audit trail with a checkpoint kept elsewhere' },
      ],
      run: check,
    },
    {
      name: 'backup',
      arguments: '<file>',
      summary: 'a verified copy, also while a run writes',
      examples: ['iqtask store backup /backup/iqtask.db'],
      run: backup,
    },
    {
      name: 'restore',
      arguments: '<backup>',
      summary: 'put a verified backup in the place of the store; the old one stays beside it',
      examples: ['iqtask store restore /backup/iqtask.db --yes'],
      options: [{ flags: '--yes', summary: 'do not ask' }],
      run: restore,
    },
    {
      name: 'migrate',
      summary: 'bring the store to the schema of this version',
      examples: ['iqtask store migrate'],
      run: migrate,
    },
  ],
}

/** The store of the project. @throws UserError where there is none yet */
export function existingStore(app: App): Store {
  const opened = app.storeIfExists()
  if (opened !== undefined) return opened
  throw new UserError(`there is no store yet at ${app.project.store}`, {
    code: 'IQ1006',
    hint: 'iqtask run TASK makes it',
  })
}

async function info(context: CommandContext): Promise<undefined> {
  const facts = existingStore(await context.app()).info()
  await context.printer.document({ schema: 'iqtask/StoreInfo/1', ...facts }, () => {
    const { rows, ...rest } = facts
    const lines = [...Object.entries(rest), ...Object.entries(rows as object).map(([name, n]) => [`rows ${name}`, n])]
    return `${lines.map(([name, value]) => `  ${String(name).padEnd(18)}  ${renderValue(value)}`).join('\n')}\n`
  })
  return undefined
}

async function check(context: CommandContext, _args: readonly string[], options: OptionValues): Promise<number> {
  const opened = existingStore(await context.app())
  const { checkStore, readCheckpoint } = await import('../../app.ts')
  const file = text(options, 'checkpoint')
  const findings = checkStore(opened, {
    quick: options.quick === true,
    checkpoint: file === undefined ? undefined : readCheckpoint(resolve(context.terminal.cwd, file)),
  })
  const { style } = context
  await context.printer.document({ schema: 'iqtask/StoreCheck/1', sound: findings.length === 0, findings }, () =>
    findings.length === 0
      ? `${style.green('✔')} ${opened.path} is sound\n`
      : `${findings.map((finding) => `${style.red('✖')} ${finding.part}  ${safe(finding.text)}`).join('\n')}\n`,
  )
  return findings.length === 0 ? 0 : 6
}

async function backup(context: CommandContext, [target = '']: readonly string[]): Promise<undefined> {
  const opened = existingStore(await context.app())
  const { backupStore } = await import('../../app.ts')
  const made = backupStore(opened, resolve(context.terminal.cwd, target))
  await context.printer.document(
    { schema: 'iqtask/Backup/1', ...made },
    () =>
      `${context.style.green('✔')} ${safe(made.path)}: ${renderBytes(made.bytes)}, verified, up to audit event ${renderCount(made.auditSeq)}\n`,
  )
  return undefined
}

async function restore(
  context: CommandContext,
  [file = '']: readonly string[],
  options: OptionValues,
): Promise<undefined> {
  const app = await context.app()
  const { refuseUnfitBackup } = await import('../../app.ts')
  const path = resolve(context.terminal.cwd, file)
  refuseUnfitBackup(path)
  await confirm(context, options, `${app.project.store} would be replaced by ${file}; the old one stays beside it`)
  const done = app.restore(path)
  const kept =
    done.before === undefined ? '' : `\n  the old one is ${safe(done.before)}: remove it once you trust the new one`
  await context.printer.document(
    { schema: 'iqtask/Restore/1', ...done },
    () => `${context.style.green('✔')} restored to audit event ${renderCount(done.auditSeq)}${kept}\n`,
  )
  return undefined
}

async function migrate(context: CommandContext): Promise<undefined> {
  const app = await context.app()
  const { migrateStore } = await import('../../app.ts')
  const done = migrateStore(app.project.store, app.clock)
  await context.printer.document({ schema: 'iqtask/Migration/1', ...done }, () =>
    done.from === done.to
      ? `nothing to do: schema ${done.to}\n`
      : `from schema ${done.from} to ${done.to}; the old one is ${safe(done.backup ?? '')}: remove it once you trust the new one\n`,
  )
  return undefined
}
