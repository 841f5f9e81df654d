import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { checkStore, type StoreFinding } from '../../src/store/check.ts'
import { openStore } from '../../src/store/open.ts'
import { flipBits } from '../helpers/bit-flips.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

let folder: string
let path: string
beforeEach(async () => {
  // enough evidence for accounts to end
  const hr = smallOrganisation['applications/hr.yaml'].replace('hr.csv', 'hr.csv, evidence: { minRows: 1 }')
  folder = project({ ...smallOrganisation, 'applications/hr.yaml': hr })
  path = join(folder, 'var/iqtask.db')
  await aggregate()
})

/** Bo's account waits for a decision: exit 3. */
const aggregate = async (...more: string[]) =>
  expect((await runCli(['run', 'aggregation', ...more], { cwd: folder })).code).toBe(3)

function check(quick = false): readonly StoreFinding[] {
  const store = openStore({ path, clock: systemClock })
  try {
    return checkStore(store, { quick })
  } finally {
    store.close()
  }
}

/** Past the tool: no foreign keys, no checks, no triggers. */
function tamper(sql: string): void {
  const other = new Sqlite(path)
  other.pragma('foreign_keys = off')
  other.pragma('ignore_check_constraints = on')
  other.exec(sql)
  other.close()
}

describe('a check of the store', () => {
  it('finds nothing in what aggregations wrote, changed and ended', async () => {
    expect(check()).toEqual([])
    const hr = smallOrganisation['hr.csv'].replace('Ada', 'Adá').replace(/^2,.*\n/m, '')
    write(folder, { 'hr.csv': hr, 'ad.csv': smallOrganisation['ad.csv'].replace('g1|g2', 'g2|g3') })
    await aggregate('--allow', 'shrunkenSource', '--reason', 'test')
    expect(check()).toEqual([])
    expect(check(true)).toEqual([])
    const ended = new Sqlite(path).prepare(`select count(*) from account where state = 'gone'`).pluck().get()
    expect(ended).toBe(1)
  })

  it.each([
    ['an attribute', `update account set attrs = replace(attrs, 'Ada', 'Eva')`, /^account hr:1 is not what/],
    ['a flag', `update account set flags = flags | 1 where native = 'svc'`, /^account ad:svc is not what/],
    ['a name', `update account set native = 'eve' where native = 'svc'`, /^account ad:eve is not what/],
    [
      'a grant that was ended',
      `update access set until = 1 where account_id = (select id from account where native = 'svc')`,
      /^account ad:svc is not what/,
    ],
    [
      'a value of the catalogue',
      `update entitlement set value = 'root' where value = 'g2'`,
      /^account ad:ada is not what/,
    ],
    [
      'attributes that are no JSON',
      `update account set attrs = '{' where native = 'svc'`,
      /^account ad:svc is not what/,
    ],
  ])('finds %s changed past the tool', (_, sql, text) => {
    tamper(sql)
    const rows = check().filter((finding) => finding.part === 'rows')
    expect(rows[0]?.text).toMatch(text)
  })

  it('finds rows that point nowhere, results whose rejects are gone, and events that were edited', () => {
    tamper('update account set identity_id = 999 where identity_id = 1')
    expect(check()).toContainEqual({ part: 'references', text: expect.stringContaining('missing row of identity') })
    const before = new Sqlite(path).prepare('select crc from task_result').get() as { crc: number }
    tamper('update account set identity_id = 1 where identity_id = 999; update task_result set rejects_total = 7')
    expect(check()).toEqual([
      { part: 'rows', text: 'task_result: a row is not what was written' },
      { part: 'counts', text: expect.stringMatching(/counts 7 rejects, 0 are kept/) },
    ])
    const { crc } = before
    tamper(`update task_result set rejects_total = 0; update task_result set crc = ${crc}`)
    const trigger = new Sqlite(path)
      .prepare(`select sql from sqlite_schema where name = 'audit_no_update'`)
      .pluck()
      .get()
    tamper(`drop trigger audit_no_update; update audit set actor = 'eve' where seq = 2; ${String(trigger)}`)
    expect(check()).toEqual([{ part: 'audit', text: expect.stringContaining('event 2 is not what was written') }])
  })

  it('finds an index that lost its order, and a page that was overwritten, without crashing', () => {
    const page = 4096
    const sound = readFileSync(path)
    const root = Number(
      new Sqlite(path, { readonly: true })
        .prepare(`select rootpage from sqlite_schema where name = 'account_native'`)
        .pluck()
        .get(),
    )
    const handle = openSync(path, 'r+')
    writeSync(handle, Buffer.alloc(page, 0x5a), 0, page, (root - 1) * page)
    closeSync(handle)
    expect(
      check(true)
        .concat(check())
        .map((finding) => finding.part),
    ).toContain('file')
    writeFileSync(path, sound)
    expect(check()).toEqual([])
  })

  it('finds whichever bit is flipped, or nothing that is stored has changed', async () => {
    const hr = smallOrganisation['hr.csv'].replace('Ada', 'Adá').replace(/^2,.*\n/m, '')
    write(folder, { 'hr.csv': hr, 'ad.csv': smallOrganisation['ad.csv'].replace('g1|g2', 'g2|g3') })
    await aggregate('--allow', 'shrunkenSource', '--reason', 'test')
    const { detected, harmless, silent } = flipBits(path, { flips: 150, seed: 42 })
    expect(silent).toEqual([])
    expect(detected).toBeGreaterThan(harmless / 10)
  })
})
