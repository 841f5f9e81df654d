import { resolve } from 'node:path'
import { isoText } from '../../base/clock.ts'
import { counted } from '../../base/plural.ts'
import { type CommandContext, type CommandGroup, type OptionValues, text, wholeNumber } from '../command.ts'
import { renderValue } from '../render/values.ts'
import { safe } from '../terminal.ts'
import { existingStore } from './store.ts'

export const audit: CommandGroup = {
  name: 'audit',
  summary: 'the audit trail: who did what, when, why; every event chained to the one before it',
  commands: [
    {
      name: 'list',
      summary: 'events, latest first',
      examples: [
        'iqtask audit list',
        'iqtask audit list --action guard.allowed',
        'iqtask audit list --all --output csv',
      ],
      options: [
        { flags: '--run <id>', summary: 'only of this run' },
        { flags: '--action <name>', summary: 'only this action' },
        { flags: '--limit <n>', summary: 'at most n; default 50' },
        { flags: '--all', summary: 'without a limit' },
      ],
      run: list,
    },
    {
      name: 'verify',
      summary: 'walk the whole chain; with a checkpoint a cut or rewritten trail shows too',
      examples: ['iqtask audit verify', 'iqtask audit verify --checkpoint /safe/audit.json'],
      options: [{ flags: '--checkpoint <file>', summary: 'a checkpoint kept where the store cannot be written from' }],
      run: verify,
    },
    {
      name: 'checkpoint',
      arguments: '<file>',
      summary: 'write the end of the chain to a file, to be kept elsewhere',
      examples: ['iqtask audit checkpoint /safe/audit.json'],
      run: checkpoint,
    },
  ],
}

async function list(context: CommandContext, _args: readonly string[], options: OptionValues): Promise<undefined> {
  const store = existingStore(await context.app())
  const run = text(options, 'run')
  const result = run === undefined ? undefined : store.results.find(run)
  const unlimited = options.all === true || context.printer.machine
  const found = store.audit.list({
    run: result?.id,
    since: result?.queuedAt,
    action: text(options, 'action'),
    limit: wholeNumber(options, 'limit') ?? (unlimited ? undefined : 50),
  })
  const items = found.items.map(({ actor, ...event }) => ({
    schema: 'iqtask/Event/1',
    ...event,
    actor: actorOf(actor),
  }))
  await context.printer.list({
    items,
    total: found.total,
    empty: 'no event fits',
    footer: `Times in ${context.times.zone}`,
    columns: [
      { title: 'SEQ', align: 'right', value: (event) => String(event.seq) },
      { title: 'AT', value: (event) => context.times.render(event.at) },
      { title: 'ACTOR', value: (event) => String((event.actor as { user?: string }).user ?? '–') },
      { title: 'ACTION', value: (event) => event.action },
      { title: 'KEY', value: (event) => event.key },
      { title: 'RUN', value: (event) => event.run?.slice(0, 12) ?? '–' },
      { title: 'WHAT', value: (event) => renderValue(event.body), wide: true },
    ],
  })
  return undefined
}

const actorOf = (actor: string): unknown => {
  try {
    return JSON.parse(actor)
  } catch {
    return { user: actor }
  }
}

async function verify(context: CommandContext, _args: readonly string[], options: OptionValues): Promise<number> {
  const store = existingStore(await context.app())
  const { readCheckpoint } = await import('../../app.ts')
  const file = text(options, 'checkpoint')
  const done = store.audit.verify(file === undefined ? undefined : readCheckpoint(resolve(context.terminal.cwd, file)))
  const { style } = context
  await context.printer.document({ schema: 'iqtask/AuditCheck/1', sound: done.findings.length === 0, ...done }, () =>
    done.findings.length === 0
      ? `${style.green('✔')} ${counted(done.events, 'event')}, the chain is whole\n`
      : `${done.findings.map((one) => `${style.red('✖')} event ${one.seq}: ${one.kind}  ${safe(one.text)}`).join('\n')}\n`,
  )
  return done.findings.length === 0 ? 0 : 6
}

async function checkpoint(context: CommandContext, [file = '']: readonly string[]): Promise<undefined> {
  const app = await context.app()
  const { writeCheckpoint } = await import('../../app.ts')
  const head = existingStore(app).audit.head(isoText(app.clock.now()))
  writeCheckpoint(resolve(context.terminal.cwd, file), head)
  await context.printer.document(head, () => `${context.style.green('✔')} event ${head.seq} in ${file}\n`)
  return undefined
}
