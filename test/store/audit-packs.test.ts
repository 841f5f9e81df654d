import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import Sqlite from 'better-sqlite3'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { AuditCheckpoint } from '../../src/store/audit-checkpoint.ts'
import { backupStore } from '../../src/store/backup.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { project } from '../helpers/project.ts'

const at = (n: number) => new Date(Date.parse('2026-01-01T00:00:00.000Z') + n * 60_000).toISOString()
const event = (n: number) => ({
  ...{ at: at(n), actor: '{"user":"ada"}', action: n % 7 === 0 ? 'guard.allowed' : 'chunk.applied', object: 'result' },
  ...{ key: `k${n}`, run: `R${Math.floor(n / 100)}`, body: { n, text: 'ü "quoted"\n' } },
})
const write = (store: Store, from: number, to: number) =>
  store.db.write(() => {
    for (let n = from; n <= to; n++) store.audit.append(event(n))
  })
const packAll = (store: Store, before: string): number => {
  let packs = 0
  while (store.audit.pack(before)) packs++
  return packs
}

let path: string
let store: Store
let checkpoint: AuditCheckpoint
beforeEach(() => {
  path = join(project(), 's.db')
  store = openStore({ path, clock: systemClock, create: true })
  onTestFinished(() => store.close())
  write(store, 1, 1500)
  checkpoint = store.audit.head('2026-01-02T00:00:00.000Z')
  write(store, 1501, 2500)
})

describe('old events', () => {
  it('are packed by the thousand once they are old enough, and listed, filtered and verified as before', () => {
    const listed = () => [
      store.audit.list({}),
      store.audit.list({ action: 'guard.allowed' }),
      store.audit.list({ run: 'R9' }),
      store.audit.list({ since: at(990), until: at(1010) }),
      store.audit.list({ limit: 3 }),
      store.audit.list({ limit: 900 }),
    ]
    const before = listed()
    expect([store.audit.packsDue(at(1999)), store.audit.packsDue(at(2001)), store.audit.packsDue('9')]).toEqual([
      1, 2, 2,
    ])
    expect(packAll(store, at(2100))).toBe(2)
    expect(store.db.statement('select count(*) from audit').pluck().get()).toBe(500)
    expect(listed()).toEqual(before)
    write(store, 2501, 2502)
    expect(store.audit.verify(checkpoint)).toEqual({ events: 2502, findings: [] })
    const room = (sql: string) => Number(store.db.statement(sql).pluck().get())
    expect(room('select sum(length(events)) from audit_pack')).toBeLessThan(
      4 * room('select sum(length(body) + length(actor) + length(key) + 60) from audit'),
    )
  })

  it('that were all packed but the newest are gone on from', () => {
    packAll(store, '9')
    write(store, 2501, 3001)
    expect(packAll(store, '9')).toBe(1)
    expect(store.audit.verify(checkpoint)).toEqual({ events: 3001, findings: [] })
    expect(store.db.statement('select group_concat(seq) from audit').pluck().get()).toBe('3001')
  })

  it('leave their table only into a pack, and a pack stays as it is', () => {
    packAll(store, '9')
    expect(() => store.db.exec('delete from audit where seq = 2001')).toThrow(/never removed/)
    expect(() => store.db.exec('delete from audit_pack')).toThrow(/never removed/)
    expect(() => store.db.exec('update audit_pack set last = 3000')).toThrow(/never changed/)
  })

  it('travel with a backup', () => {
    packAll(store, '9')
    const target = join(project(), 'b.db')
    backupStore(store, target)
    const copy = openStore({ path: target, clock: systemClock })
    expect(copy.audit.verify(checkpoint)).toEqual({ events: 2500, findings: [] })
    copy.close()
  })

  it('are not packed where the chain is broken, so that it shows where', () => {
    tamper(`update audit set actor = 'eve' where seq = 1200`)
    expect(() => packAll(store, '9')).toThrow(/event 1200 of the audit trail is not what was written/)
    expect(store.db.statement('select count(*) from audit').pluck().get()).toBe(1500)
    expect(found()).toEqual(['altered 1200'])
  })
})

/** Past the tool, as somebody would who can write the file. */
function tamper(sql: string, edit?: (lines: string[]) => string[]): void {
  const other = new Sqlite(path)
  other.function('row_crc', () => 0)
  other.function('edited', (events) =>
    gzipSync(
      (
        edit?.(
          gunzipSync(events as Buffer)
            .toString()
            .split('\n'),
        ) ?? []
      ).join('\n'),
    ),
  )
  const names = `select name from sqlite_schema where type = 'trigger' and tbl_name like 'audit%'`
  for (const name of other.prepare(names).pluck().all() as string[]) other.exec(`drop trigger ${name}`)
  other.exec(sql)
  other.close()
}
const found = (against?: AuditCheckpoint) =>
  store.audit.verify(against).findings.map(({ kind, seq }) => `${kind} ${seq}`)

describe('a pack that was tampered with shows', () => {
  const edit = (seq: number, change: (line: string) => string) => (lines: string[]) =>
    lines.map((line, index) => (index === seq - 1 ? change(line) : line))
  it.each([
    ['an edit', edit(5, (line) => line.replace('ada', 'eve')), ['altered 1000']],
    ['a blank', edit(5, (line) => line.replace('{', '{ ')), ['altered 1000']],
    ['a removal', (lines: string[]) => lines.filter((_, index) => index !== 4), ['missing 5', 'altered 1000']],
    ['the removal of its last', (lines: string[]) => lines.slice(0, -1), ['altered 999', 'missing 1000']],
    [
      'an insertion',
      (lines: string[]) => lines.flatMap((line, index) => (index === 4 ? [line, line] : [line])),
      ['missing 6', 'altered 1000'],
    ],
    [
      'two events swapped',
      (lines: string[]) => [...lines.slice(0, 4), lines[5] ?? '', lines[4] ?? '', ...lines.slice(6)],
      ['missing 5', 'missing 7', 'missing 6', 'altered 1000'],
    ],
  ])('%s', (_, change, findings) => {
    packAll(store, '9')
    tamper('update audit_pack set events = edited(events) where first = 1', change)
    expect(found()).toEqual(findings)
  })

  it('as damaged where it is no text of events any more, and the others are listed all the same', () => {
    packAll(store, '9')
    tamper('update audit_pack set events = edited(events) where first = 1', (lines) => ['no event', ...lines.slice(1)])
    expect(found()).toEqual(['altered 1'])
    expect(
      store.audit
        .list({})
        .items.map(({ seq }) => seq)
        .at(-1),
    ).toBe(1001)
  })

  it('as damaged, missing, or out of its place', () => {
    packAll(store, '9')
    tamper(`update audit_pack set events = x'1f8b00' where first = 1`)
    expect(found()).toEqual(['altered 1'])
    tamper('delete from audit_pack where first = 1')
    expect(found()).toEqual(['missing 1', 'altered 2000'])
    tamper('delete from audit_pack')
    expect(found()).toEqual(['missing 1'])
  })

  it('with its hash made to fit, at the event after it', () => {
    packAll(store, '9')
    tamper(`update audit_pack set hash = zeroblob(32) where first = 1001`)
    expect(found()).toEqual(['altered 2000', 'altered 2001'])
  })

  it('as cut, or written anew as a whole, against a checkpoint', () => {
    const rewritten = join(project(), 'r.db')
    const other = openStore({ path: rewritten, clock: systemClock, create: true })
    write(other, 2, 2501)
    packAll(other, '9')
    other.close()
    packAll(store, '9')
    tamper(`delete from audit; delete from audit_pack where first > 1`)
    expect(found()).toEqual([])
    expect(found(checkpoint)).toEqual(['truncated 1001'])
    tamper(`attach '${rewritten}' as r; delete from audit_pack; insert into audit_pack(first, last, since, until, hash, events)
      select first, last, since, until, hash, events from r.audit_pack; insert into audit select * from r.audit`)
    expect(found()).toEqual([])
    expect(found(checkpoint)).toEqual(['rewritten 1500'])
  })
})
