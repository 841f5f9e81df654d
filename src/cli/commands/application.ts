import { renderDuration } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import type { Feed } from '../../model/application.ts'
import { type CommandContext, type CommandGroup, type OptionValues, text } from '../command.ts'
import { safe } from '../terminal.ts'
import { profile } from './profile.ts'

export const application: CommandGroup = {
  name: 'application',
  summary: 'connected systems',
  commands: [
    { name: 'list', summary: 'the applications of the project', examples: ['iqtask application list'], run: list },
    {
      name: 'show',
      arguments: '<name>',
      summary: 'one application: its definition, checked',
      examples: ['iqtask application show hr'],
      run: show,
    },
    {
      name: 'test',
      arguments: '<name...>',
      summary: 'try the connection, and the feeds beside it',
      examples: ['iqtask application test hr ad'],
      run: test,
    },
    {
      name: 'peek',
      arguments: '<name>',
      summary: 'look at the first rows of the source',
      examples: ['iqtask application peek hr -n 3', 'iqtask application peek hr --output jsonl'],
      options: [{ flags: '-n, --rows <n>', summary: 'how many; default 5' }],
      run: peek,
    },
    profile,
  ],
}

async function list(context: CommandContext): Promise<undefined> {
  const { project } = await context.app()
  const items = project.applications.names().map((name) => {
    try {
      const one = project.applications.get(name)
      return {
        name,
        connector: one.connector,
        authoritative: one.authoritative !== undefined,
        owner: one.owner ?? null,
        description: one.title ?? one.description ?? null,
      }
    } catch (error) {
      return { name, connector: null, authoritative: false, owner: null, description: `✖ ${(error as Error).message}` }
    }
  })
  await context.printer.list({
    items,
    total: items.length,
    empty: 'no applications yet: add a file to applications/',
    columns: [
      { title: 'APPLICATION', value: (item) => item.name },
      { title: 'CONNECTOR', value: (item) => item.connector ?? '–' },
      { title: 'AUTHORITATIVE', value: (item) => (item.authoritative ? 'yes' : '') },
      { title: 'OWNER', value: (item) => item.owner ?? '–' },
      { title: 'DESCRIPTION', value: (item) => item.description ?? '' },
    ],
  })
  return undefined
}

async function show(context: CommandContext, [name = '']: readonly string[]): Promise<undefined> {
  const one = (await context.app()).project.applications.get(name)
  const {
    default: { stringify },
  } = await import('yaml')
  await context.printer.document({ schema: 'iqtask/Application/1', ...one }, () =>
    safe(stringify(JSON.parse(JSON.stringify(one)))),
  )
  return undefined
}

async function test(context: CommandContext, names: readonly string[]): Promise<number | undefined> {
  const app = await context.app()
  const items: { name: string; feed: string; ok: boolean; text: string; durationMs: number }[] = []
  for (const name of names) {
    const application = app.project.applications.get(name)
    const feeds: [string, Feed][] = [
      ['accounts', application],
      ...application.grants.map((feed): [string, Feed] => ['grants', feed]),
      ...application.entitlements.map((feed): [string, Feed] => ['entitlements', feed]),
    ]
    for (const [kind, feed] of feeds) {
      const started = app.clock.monotonicMs()
      const tried = await attempt(async () => {
        const connection = await app.connect(name, feed)
        try {
          return await connection.test()
        } finally {
          await connection.close()
        }
      })
      items.push({ name, feed: kind, ...tried, durationMs: Math.round(app.clock.monotonicMs() - started) })
    }
  }
  const { style } = context
  await context.printer.list({
    items,
    total: items.length,
    empty: '',
    columns: [
      { title: 'APPLICATION', value: (item) => item.name },
      { title: 'FEED', value: (item) => item.feed },
      {
        title: 'RESULT',
        value: (item) => (item.ok ? '✔ ok' : '✖ failed'),
        paint: (shown, item) => (item.ok ? style.green(shown) : style.red(shown)),
      },
      { title: 'TIME', align: 'right', value: (item) => renderDuration(item.durationMs) },
      { title: 'WHAT ANSWERED', value: (item) => item.text },
    ],
  })
  return items.every((item) => item.ok) ? undefined : 1
}

async function attempt(work: () => Promise<string>): Promise<{ ok: boolean; text: string }> {
  try {
    return { ok: true, text: await work() }
  } catch (error) {
    const hint = (error as { hint?: string }).hint
    return { ok: false, text: `${(error as Error).message}${hint === undefined ? '' : ` (${hint})`}` }
  }
}

async function peek(
  context: CommandContext,
  [name = '']: readonly string[],
  options: OptionValues,
): Promise<undefined> {
  const given = text(options, 'rows') ?? '5'
  if (!/^[1-9]\d*$/.test(given))
    throw new UserError(`--rows is ${JSON.stringify(given)}, expected a whole number from 1`, { code: 'IQ1002' })
  const app = await context.app()
  const connection = await app.connect(name)
  const items: Record<string, unknown>[] = []
  let columns: readonly string[] = []
  try {
    const reading = await connection.accounts({ limit: Number(given) })
    for await (const batch of reading.batches()) {
      columns = batch.columns
      for (const { values } of batch.records)
        items.push(Object.fromEntries<unknown>(batch.columns.map((column, index) => [column, values[index] ?? null])))
    }
  } finally {
    await connection.close()
  }
  await context.printer.list({
    items,
    total: items.length,
    empty: 'the source has no rows',
    columns: columns.map((column) => ({
      title: column,
      value: (item: Record<string, unknown>) => String(item[column] ?? ''),
    })),
  })
  return undefined
}
