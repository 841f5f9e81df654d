import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { App } from '../../app.ts'
import { type InstallTarget, installTargets } from '../../model/install-target.ts'
import type { UnitFile } from '../../model/systemd-units.ts'
import { type Command, type CommandContext, type OptionValues, text } from '../command.ts'
import { confirm } from '../confirm.ts'
import { safe } from '../terminal.ts'

const target = { flags: '--target <target>', summary: 'crontab (default), cron.d or systemd', choices: installTargets }
const dir = {
  flags: '--dir <dir>',
  summary: 'folder of the files of cron.d or systemd; default: where they are, or the one of this machine',
}
const targetOf = (options: OptionValues): InstallTarget => (text(options, 'target') ?? 'crontab') as InstallTarget

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
    if (options.print === true) return print(context, app, targetOf(options))
    await edit(context, app, options, true)
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
    await edit(context, await context.app(), options, false)
    return undefined
  },
}

export const diff: Command = {
  name: 'diff',
  summary: 'how what is installed (crontab, cron.d, timers) differs from the definitions; ends with 10 when it does',
  examples: ['iqtask schedule diff'],
  async run(context) {
    const app = await context.app()
    const { drift } = await import('../../installed.ts')
    const { installed, diff: lines } = drift(app, context.terminal.env)
    const said = installed ? '' : 'nothing is installed\n'
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
    const { wantedFiles } = await import('../../installation.ts')
    const files = wantedFiles(app, targetOf(options))
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

async function print(context: CommandContext, app: App, chosen: InstallTarget): Promise<undefined> {
  const { wantedFiles } = await import('../../installation.ts')
  const files = wantedFiles(app, chosen)
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

async function edit(context: CommandContext, app: App, options: OptionValues, on: boolean): Promise<void> {
  const { editTarget } = await import('../../install.ts')
  const chosen = targetOf(options)
  const folder = text(options, 'dir')
  const { where, typeNext, ...done } = await editTarget(app, chosen, on, {
    env: context.terminal.env,
    force: options.force === true,
    folder: folder === undefined ? undefined : resolve(context.terminal.cwd, folder),
    confirm: async (lines, place) => {
      if (!context.printer.machine) context.terminal.err(`${safe(lines.join('\n'))}\n`)
      await confirm(context, options, `${place} would be changed like this`)
    },
  })
  await context.printer.document({ schema: 'iqtask/ScheduleInstallation/1', target: chosen, ...done }, () => {
    if (!done.changed) return `nothing to do: ${safe(where)} is as it should be\n`
    const backup = done.backup === null ? '' : `\n  the old one is ${safe(done.backup)}`
    return `${context.style.green('✔')} ${[where, ...done.files].map(safe).join('\n  ')}${backup}\n`
  })
  if (typeNext !== undefined)
    context.terminal.err(`⚠ systemd does not start the timers yet; where it runs, type: ${safe(typeNext)}\n`)
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

function write(folder: string, files: readonly UnitFile[]): void {
  mkdirSync(folder, { recursive: true })
  for (const { name, text: body } of files) writeFileSync(join(folder, name), body, { mode: 0o644 })
}
