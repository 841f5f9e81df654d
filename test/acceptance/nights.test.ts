import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { handClock } from '../helpers/clock.ts'
import { project, smallOrganisation } from '../helpers/project.ts'

/** Bytes of everything but the audit trail, which is never cut and packed by the thousand only; and its events. */
function measure(cwd: string): { readonly bytes: number; readonly events: number } {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const one = (sql: string) => db.prepare(sql).pluck().get() as number
  const bytes = one(`select sum(pgsize) from dbstat where name <> 'audit'`)
  const events = one('select count(*) from audit')
  db.close()
  return { bytes, events }
}

it('night after night with maintenance, the store grows by its audit trail alone', async () => {
  const people = Array.from({ length: 120 }, (_, n) => `${n},Name ${n},p${n}@example.com,active,2020-01-31`)
  const cwd = project({
    ...smallOrganisation,
    'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}retention: { results: 5d, rejects: 5d, images: 5d, gone: 9d }\n`,
  })
  const clock = handClock()
  const nights: ReturnType<typeof measure>[] = []
  for (let night = 1; night <= 36; night++) {
    clock.forward(86_400_000)
    const rows = people.map((row, n) => (n % 10 === night % 10 ? row.replace('Name', `Night ${night}`) : row))
    writeFileSync(
      join(cwd, 'hr.csv'),
      `id,name,mail,state,start\n${rows.join('\n')}\n900,No,no@example.com,active,never\n`,
    )
    const app = await openApp({ cwd, env: {}, clock })
    for (const [task, set] of [
      ['aggregation', {}],
      ['maintenance', { steps: '["prune","verify","analyse"]' }],
    ] as const) {
      const result = await app.run({ task, trigger: 'schedule', set })
      expect(['success', 'warning'], `night ${night}: ${JSON.stringify(result.messages)}`).toContain(result.status)
    }
    await app.close()
    nights.push(measure(cwd))
  }
  const [early, late] = [nights[17], nights[35]]
  expect((late?.bytes ?? 0) / (early?.bytes ?? 1)).toBeLessThan(1.3)
  expect(late?.events).toBeGreaterThan(early?.events ?? 0)
})
