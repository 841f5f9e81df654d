import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { openApp } from '../../src/app.ts'

/**
 * Goes on with a task in a process that dies where a statement does what one of these triggers says (`before insert on account when …`): taken
 * down from within SQLite, as a page or a chip that is broken would.
 */
export const goOnPoisoned = (
  cwd: string,
  { task, set = {} }: Asked,
  triggers: readonly string[],
): SpawnSyncReturns<string> =>
  spawnSync(
    process.execPath,
    ['--no-warnings', import.meta.filename, cwd, JSON.stringify({ task, set }), ...triggers],
    { encoding: 'utf8' },
  )

export interface Asked {
  readonly task: string
  readonly set?: Readonly<Record<string, string>>
}

async function main(cwd: string, { task, set = {} }: Asked, triggers: readonly string[]): Promise<void> {
  const app = await openApp({ cwd, env: {} })
  const { db } = app.store()
  db.statement('select 1').database.function('die', () => process.abort())
  for (const [index, trigger] of triggers.entries())
    db.exec(`create temp trigger poison${index} ${trigger} begin select die(); end`)
  const result = await app.run({ task, trigger: 'manual', set, resume: true })
  process.stdout.write(JSON.stringify(result))
  await app.close()
}

const [, , cwd, asked, ...triggers] = process.argv
if (import.meta.main && cwd !== undefined && asked !== undefined) await main(cwd, JSON.parse(asked) as Asked, triggers)
