import { type CommandContext, type CommandGroup, type OptionValues, text, wholeNumber } from '../command.ts'
import { safe } from '../terminal.ts'

const states = ['waiting', 'sent', 'failed'] as const

export const notify: CommandGroup = {
  name: 'notify',
  summary: 'notifications: what was told, what waits and why',
  commands: [
    {
      name: 'list',
      summary: 'messages, latest first',
      examples: ['iqtask notify list', 'iqtask notify list --state waiting', 'iqtask notify list --json | jq .total'],
      options: [
        { flags: '--state <state>', summary: 'only these', choices: states },
        { flags: '--limit <n>', summary: 'at most n; default 20' },
        { flags: '--all', summary: 'without a limit' },
      ],
      run: list,
    },
    {
      name: 'test',
      arguments: '<channel>',
      summary: 'send a test message now, past the rules',
      examples: ['iqtask notify test ops'],
      run: test,
    },
  ],
}

async function list(context: CommandContext, _args: readonly string[], options: OptionValues): Promise<undefined> {
  const app = await context.app()
  const unlimited = options.all === true || context.printer.machine
  const limit = wholeNumber(options, 'limit') ?? (unlimited ? undefined : 20)
  const found = app.storeIfExists()?.outbox.list({ state: text(options, 'state'), limit })
  await context.printer.list({
    items: (found?.items ?? []).map((row) => ({ schema: 'iqtask/Notice/1', ...row })),
    total: found?.total ?? 0,
    empty: 'nothing was told; notify.rules in iqtask.config.yaml say who is told what',
    footer: `Times in ${context.times.zone}`,
    columns: [
      { title: 'AT', value: (row) => context.times.render(row.createdAt) },
      { title: 'TASK', value: (row) => row.task },
      { title: 'EVENT', value: (row) => row.event },
      { title: 'CHANNEL', value: (row) => row.channel },
      { title: 'STATE', value: (row) => row.state },
      { title: 'TRIES', align: 'right', value: (row) => String(row.attempts) },
      { title: 'NEXT', value: (row) => (row.state === 'waiting' ? context.times.render(row.nextAt) : '–') },
      { title: 'WHY', value: (row) => row.error ?? '' },
    ],
  })
  return undefined
}

async function test(context: CommandContext, [channel = '']: readonly string[]): Promise<number> {
  const app = await context.app()
  const error = (await app.telling.test(channel)) ?? null
  const { style } = context
  await context.printer.document({ schema: 'iqtask/NotifyTest/1', channel, sent: error === null, error }, () =>
    error === null
      ? `${style.green('✔')} ${safe(channel)} has taken a test message\n`
      : `${style.red('✖')} ${safe(channel)}: ${safe(error)}\n`,
  )
  return error === null ? 0 : 1
}
