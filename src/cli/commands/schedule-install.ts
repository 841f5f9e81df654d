import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { App } from '../../app.ts'
import type { UnitFile } from '../../model/systemd-units.ts'
import { type Command, type CommandContext, type OptionValues, text } from '../command.ts'
import { confirm } from '../confirm.ts'
import { safe } from '../terminal.ts'

const targets = ['crontab', 'cron.d', 'systemd'] as const
type Target = (typeof targets)[number]
const target = { flags: '--target <target>', summary: 'crontab (default), cron.d or systemd', choices: targets }
const dir = {
  flags: '--dir <dir>',
  summary: 'folder of the files of cron.d or systemd; default: the one of this machine',
}
const targetOf = (options: OptionValues): Target => (text(options, 'target') ?? 'crontab') as Target

export const install: Command = {
  name: 'install',
  summary: "put this project's schedules into the crontab; nothing else in it changes",
  examples: ['iqtask schedule install --print', 'iqtask schedule install', 'iqtask schedule install --target systemd'],
  options: [
    { flags: '--print', summary: 'only show what would be installed' },
    { flags: '--yes', summary: 'do not ask' },
    { flags: '--force', summary: 'write a block anew that was edited by hand' },
    target,
    dir,
  ],
  async run(context, _args, options) {
    const app = await context.app()
    const { wantedBlock, editCrontab } = await import('../../installation.ts')
    const chosen = targetOf(options)
    if (options.print === true) return print(context, app, chosen)
    if (chosen !== 'crontab') return writeFiles(context, app, options, chosen)
    const wanted = wantedBlock(app)
    const lines = wanted.trimEnd().split('\n')
    const done = await editCrontab(app, lines.length > 2 ? wanted : undefined, editOptions(context, options))
    await tell(context, { target: chosen, lines, files: [], ...done })
    if (!context.printer.machine) await showNext(context, app)
    return undefined
  },
}

export const uninstall: Command = {
  name: 'uninstall',
  summary: "take this project's schedules out of the crontab again",
  examples: ['iqtask schedule uninstall'],
  options: [
    { flags: '--yes', summary: 'do not ask' },
    { flags: '--force', summary: 'also a block that was edited by hand' },
    target,
    dir,
  ],
  async run(context, _args, options) {
    const app = await context.app()
    const { editCrontab } = await import('../../installation.ts')
    const chosen = targetOf(options)
    if (chosen !== 'crontab') return removeFiles(context, app, options, chosen)
    const done = await editCrontab(app, undefined, editOptions(context, options))
    await tell(context, { target: chosen, lines: [], files: [], ...done })
    return undefined
  },
}

export const diff: Command = {
  name: 'diff',
  summary: 'how the crontab differs from the definitions; ends with 10 when it does',
  examples: ['iqtask schedule diff'],
  async run(context) {
    const app = await context.app()
    const { drift } = await import('../../installation.ts')
    const { installed, diff: lines } = drift(app, context.terminal.env)
    const said = installed === undefined ? 'nothing is installed\n' : ''
    await context.printer.document({ schema: 'iqtask/ScheduleDiff/1', drifted: lines.length > 0, diff: lines }, () =>
      lines.length === 0 ? 'no difference\n' : `${said}${safe(lines.join('\n'))}\n`,
    )
    return lines.length === 0 ? 0 : 10
  },
}

export const exportVerb: Command = {
  name: 'export',
  summary: 'the schedules as files: crontab lines, /etc/cron.d, systemd timers',
  examples: ['iqtask schedule export --target systemd --dir units'],
  options: [target, dir],
  async run(context, _args, options) {
    const app = await context.app()
    const files = await filesOf(app, targetOf(options))
    const folder = text(options, 'dir')
    if (folder !== undefined) write(resolve(context.terminal.cwd, folder), files)
    await context.printer.document({ schema: 'iqtask/ScheduleFiles/1', files }, () =>
      folder === undefined
        ? files.map(({ name, text: body }) => (files.length === 1 ? body : `# ${name}\n${body}\n`)).join('')
        : `${files.map(({ name }) => join(folder, name)).join('\n')}\n`,
    )
    return undefined
  },
}

async function filesOf(app: App, chosen: Target): Promise<readonly UnitFile[]> {
  const { cronDFile, timerUnits, wantedBlock } = await import('../../installation.ts')
  if (chosen === 'systemd') return timerUnits(app)
  return [chosen === 'cron.d' ? cronDFile(app, userInfo().username) : { name: 'crontab', text: wantedBlock(app) }]
}

async function print(context: CommandContext, app: App, chosen: Target): Promise<undefined> {
  const files = await filesOf(app, chosen)
  const lines = files.flatMap((file) => file.text.trimEnd().split('\n'))
  await context.printer.document(
    {
      schema: 'iqtask/ScheduleInstallation/1',
      target: chosen,
      changed: false,
      lines,
      diff: [],
      backup: null,
      files: [],
    },
    () => files.map((file) => (chosen === 'systemd' ? `# ${file.name}\n${file.text}\n` : file.text)).join(''),
  )
  return undefined
}

const editOptions = (context: CommandContext, options: OptionValues) => ({
  env: context.terminal.env,
  force: options.force === true,
  confirm: async (lines: readonly string[]) => {
    if (!context.printer.machine) context.terminal.err(`${safe(lines.join('\n'))}\n`)
    await confirm(context, options, `the crontab of ${userInfo().username} would be changed like this`)
  },
})

interface Told {
  readonly target: Target
  readonly changed: boolean
  readonly lines: readonly string[]
  readonly diff: readonly string[]
  readonly backup: string | null
  readonly files: readonly string[]
}

async function tell(context: CommandContext, told: Told): Promise<void> {
  await context.printer.document({ schema: 'iqtask/ScheduleInstallation/1', ...told }, () => {
    if (!told.changed) return 'nothing to do: the crontab is as it should be\n'
    const where = told.files.length > 0 ? told.files.map(safe).join('\n  ') : `the crontab of ${userInfo().username}`
    const backup = told.backup === null ? '' : `\n  the old one is ${safe(told.backup)}`
    return `${context.style.green('✔')} ${where}${backup}\n`
  })
}

async function showNext(context: CommandContext, app: App): Promise<void> {
  const { allSchedules, nextFires } = await import('../../schedules.ts')
  const fires = nextFires(
    app,
    allSchedules(app).filter((one) => one.enabled),
    { from: app.clock.now(), count: 3 },
  )
  for (const { id, local } of fires) await context.terminal.out(`  next: ${id} at ${local}\n`)
}

const folderOf = (context: CommandContext, options: OptionValues, chosen: Target): string => {
  const given = text(options, 'dir')
  if (given !== undefined) return resolve(context.terminal.cwd, given)
  if (chosen === 'cron.d') return '/etc/cron.d'
  const { env } = context.terminal
  return process.getuid?.() === 0
    ? '/etc/systemd/system'
    : join(env.XDG_CONFIG_HOME ?? join(env.HOME ?? homedir(), '.config'), 'systemd/user')
}

async function writeFiles(
  context: CommandContext,
  app: App,
  options: OptionValues,
  chosen: Target,
): Promise<undefined> {
  const files = await filesOf(app, chosen)
  const folder = folderOf(context, options, chosen)
  await confirm(context, options, `${files.length} files would be written to ${folder}`)
  const { keepInstalledFiles } = await import('../../installation.ts')
  const written = write(folder, files)
  keepInstalledFiles(app, true)
  await tell(context, { target: chosen, changed: true, lines: [], diff: [], backup: null, files: written })
  const timers = files.map(({ name }) => name).filter((name) => name.endsWith('.timer'))
  const user = process.getuid?.() === 0 ? '' : '--user '
  if (timers.length > 0)
    context.terminal.err(`next: systemctl ${user}daemon-reload && systemctl ${user}enable --now ${timers.join(' ')}\n`)
  return undefined
}

async function removeFiles(
  context: CommandContext,
  app: App,
  options: OptionValues,
  chosen: Target,
): Promise<undefined> {
  const folder = folderOf(context, options, chosen)
  const files = (await filesOf(app, chosen)).map(({ name }) => join(folder, name))
  await confirm(context, options, `${files.length} files would be removed from ${folder}`)
  const { keepInstalledFiles } = await import('../../installation.ts')
  for (const file of files) rmSync(file, { force: true })
  keepInstalledFiles(app, false)
  await tell(context, { target: chosen, changed: true, lines: [], diff: [], backup: null, files })
  return undefined
}

/** cron.d takes only files that root alone may write; what stands in them is no secret. */
function write(folder: string, files: readonly UnitFile[]): string[] {
  mkdirSync(folder, { recursive: true })
  return files.map(({ name, text: body }) => {
    const file = join(folder, name)
    writeFileSync(file, body, { mode: 0o644 })
    return file
  })
}
