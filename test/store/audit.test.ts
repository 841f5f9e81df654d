import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { readCheckpoint, writeCheckpoint } from '../../src/store/audit-checkpoint.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'

let folder: string
let path: string
let store: Store
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iqtask-audit-'))
  path = join(folder, 's.db')
  store = openStore({ path, clock: systemClock, create: true })
  write(1, 2, 3, 4, 5)
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true, force: true })
})

const event = (n: number) => ({
  at: `2026-01-0${n}T00:00:00.000Z`,
  actor: 'ada',
  action: n % 2 === 0 ? 'chunk.applied' : 'run.started',
  object: 'result',
  key: `k${n}`,
  run: n < 4 ? 'R1' : null,
  body: { n, text: 'ü "quoted"' },
})
const write = (...numbers: number[]) =>
  store.db.write(() => {
    for (const n of numbers) store.audit.append(event(n))
  })

/** Past the tool, with another connection, as somebody would who can write the file. */
function tamper(sql: string): void {
  const other = new Sqlite(path)
  other.exec('drop trigger audit_no_update; drop trigger audit_no_delete')
  other.exec(sql)
  other.close()
}
const found = (checkpoint?: Parameters<Store['audit']['verify']>[0]) =>
  store.audit.verify(checkpoint).findings.map(({ kind, seq }) => `${kind} ${seq}`)

describe('the audit trail', () => {
  it('verifies when it is as it was written, also against a checkpoint that it has outgrown', () => {
    const checkpoint = store.audit.head('2026-01-06T00:00:00.000Z')
    write(6)
    expect(store.audit.verify(checkpoint)).toEqual({ events: 6, findings: [] })
  })

  it('is neither changed nor removed through the tool', () => {
    expect(() => store.db.exec(`update audit set actor = 'eve'`)).toThrow(/never changed/)
    expect(() => store.db.exec('delete from audit')).toThrow(/never removed/)
  })

  it.each([
    ['an edited body', `update audit set body = '{"n":9,"text":"ü \\"quoted\\""}' where seq = 3`, ['altered 3']],
    ['an edited actor', `update audit set actor = 'eve' where seq = 3`, ['altered 3']],
    ['a blank put into a body', `update audit set body = body || ' ' where seq = 3`, ['altered 3']],
    ['a run that was set', `update audit set run = 'R1' where seq = 5`, ['altered 5']],
    ['an event removed from the middle', 'delete from audit where seq = 3', ['missing 3']],
    ['two events removed', 'delete from audit where seq in (2, 3)', ['missing 2']],
    ['the beginning removed', 'delete from audit where seq = 1', ['missing 1']],
    [
      'an event removed and the gap closed',
      'delete from audit where seq = 3; update audit set seq = 3 where seq = 4; update audit set seq = 4 where seq = 5',
      ['altered 3', 'altered 4'],
    ],
    [
      'two events swapped',
      'update audit set seq = 99 where seq = 2; update audit set seq = 2 where seq = 3; update audit set seq = 3 where seq = 99',
      ['altered 2', 'altered 3', 'altered 4'],
    ],
    [
      'an event put between',
      `update audit set seq = 6 where seq = 5; update audit set seq = 5 where seq = 4;
       insert into audit select 4, at, 'eve', action, object, key, run, body, hash from audit where seq = 3`,
      ['altered 4', 'altered 5', 'altered 6'],
    ],
  ])('shows %s', (_, sql, findings) => {
    tamper(sql)
    expect(found()).toEqual(findings)
  })

  it('shows a cut tail only against a checkpoint', () => {
    const checkpoint = store.audit.head('2026-01-06T00:00:00.000Z')
    tamper('delete from audit where seq > 3')
    expect(found()).toEqual([])
    expect(store.audit.verify(checkpoint).findings).toEqual([
      {
        kind: 'truncated',
        seq: 4,
        text: 'the trail ends with event 3; on 2026-01-06T00:00:00.000Z it reached 5',
      },
    ])
  })

  it('shows a trail written anew only against a checkpoint', () => {
    const checkpoint = store.audit.head('2026-01-06T00:00:00.000Z')
    tamper('delete from audit where seq > 1')
    write(3, 2, 4, 5, 1)
    expect(found()).toEqual([])
    expect(found(checkpoint)).toEqual(['rewritten 5'])
  })

  it('does not pass for another store', () => {
    const checkpoint = { ...store.audit.head('2026-01-06T00:00:00.000Z'), store: 'ffffffff' }
    expect(found(checkpoint)).toEqual(['rewritten 0'])
  })

  it('lists events latest first, by run, action and time', () => {
    expect(store.audit.list({}).items.map((item) => item.seq)).toEqual([5, 4, 3, 2, 1])
    expect(store.audit.list({ limit: 2 })).toMatchObject({ total: 5, items: [{ seq: 5 }, { seq: 4 }] })
    expect(store.audit.list({ run: 'R1', action: 'run.started' }).items.map((item) => item.seq)).toEqual([3, 1])
    const days = { since: '2026-01-02T00:00:00.000Z', until: '2026-01-04T00:00:00.000Z' }
    expect(store.audit.list(days).items.map((item) => item.seq)).toEqual([3, 2])
    expect(store.audit.list({}).items[4]).toMatchObject({
      ...event(1),
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })
})

describe('a checkpoint', () => {
  it('comes back from its file as it was, and the file is only ours', () => {
    const file = join(folder, 'checkpoint.json')
    const checkpoint = store.audit.head('2026-01-06T00:00:00.000Z')
    writeCheckpoint(file, checkpoint)
    expect(readCheckpoint(file)).toEqual(checkpoint)
    expect(checkpoint.seq).toBe(5)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('is refused when the file is missing or something else', () => {
    const file = join(folder, 'x.json')
    expect(() => readCheckpoint(file)).toThrow(/cannot be read/)
    writeFileSync(file, '{"seq":1}')
    expect(() => readCheckpoint(file)).toThrow(/no checkpoint/)
  })
})
