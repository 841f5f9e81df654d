import { rmSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import type { Clock } from '../../src/base/clock.ts'
import { AbortError } from '../../src/base/errors.ts'
import type { EntitlementDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { checkStore } from '../../src/store/check.ts'
import type { RunRequest } from '../../src/task/run-request.ts'
import { project, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const hour = 3_600_000
function handClock(): Clock & { forward(ms: number): void } {
  let now = Date.parse('2026-11-24T02:00:00Z')
  return {
    now: () => new Date(now),
    monotonicMs: () => now,
    forward(ms) {
      now += ms
    },
  }
}

const feed = (more = '', evidence = 'evidence: { minRows: 1 }, ') => ({
  'iqtask.config.yaml': 'timeZone: UTC\nguards: { deletes: off, shrunkenSource: off, otherSource: off }\n',
  'applications/ad.yaml': `kind: Application
name: ad
connector: delimited
connection: { file: ../ad.csv }
account:
  nativeIdentity: login
  attributes:
    groups: { multiple: true, split: "|", entitlement: true${more} }
entitlements: { file: ../groups.csv, ${evidence}value: name, displayName: title, description: { expr: "has(row.text) ? row.text : ''" }, owner: owner, gives: { expr: "has(row.parent) ? row.parent.split('|') : []" } }
`,
  'ad.csv': 'login,groups\na,staff|admins\nb,staff\nc,old\n',
})
const header = 'name,title,text,owner,parent\n'

interface Bench {
  readonly app: App
  readonly cwd: string
  readonly clock: ReturnType<typeof handClock>
  read(rows: string, more?: object): Promise<TaskResultDocument>
  entry(value: string): EntitlementDocument
  rejects(result: TaskResultDocument): unknown[]
}

async function bench(files: Record<string, string>): Promise<Bench> {
  const cwd = project(files)
  const clock = handClock()
  const app = await openApp({ cwd, env: {}, clock })
  await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  return {
    app,
    cwd,
    clock,
    read(rows, more = {}) {
      write(cwd, { 'groups.csv': header + rows })
      return app.run({ task: 'entitlement-aggregation', trigger: 'manual', set: {}, ...more })
    },
    entry: (value) => app.store().catalogue.get(`ad:groups:${value}`),
    rejects: (result) => [...app.store().results.rejects(result.id)].map((r) => [r.code, r.line, r.reason]),
  }
}

/** All of the catalogue, without numbers of rows. */
function digest(cwd: string): string {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const rows = db
    .prepare(`select e.attribute, e.value, e.shown, e.display, e.description, e.owner, e.state, e.tags, e.catalogue_run is not null, e.absent_run is not null,
      (select json_group_array(value) from (select o.value from entitlement_gives g join entitlement o on o.id = g.given_id
        where g.entitlement_id = e.id order by 1)) from entitlement e order by 1, 2`)
    .raw()
    .all()
  db.close()
  return JSON.stringify(rows)
}

describe('the catalogue', () => {
  it('describes what grants only named, knows who gives what, and a second read changes nothing', async () => {
    const { read, entry, cwd, app } = await bench(feed())
    const rows = 'staff,Staff,Everybody,ada,\nadmins,Admins,,bo,staff|audit\naudit,Audit,"reads, all",,\n'
    const first = await read(rows)
    expect(first).toMatchObject({
      status: 'success',
      counts: { read: 3, created: 1, changed: 2, unchanged: 0, rejected: 0, givesAdded: 2, missing: 0, gone: 0 },
    })
    expect(entry('admins')).toMatchObject({
      displayName: 'Admins',
      description: null,
      owner: 'bo',
      described: true,
      gives: ['audit', 'staff'],
      holders: 1,
    })
    expect(entry('staff')).toMatchObject({ givenBy: ['admins'], holders: 2, description: 'Everybody' })
    expect(entry('old')).toMatchObject({ described: false, state: 'active' })
    const before = digest(cwd)
    const second = await read(rows.split('\n').reverse().join('\n').trim())
    expect(second.counts).toMatchObject({ created: 0, changed: 0, unchanged: 3, givesAdded: 0, givesEnded: 0 })
    expect(digest(cwd)).toBe(before)
    const third = await read('staff,Staff,Everybody,ada,audit\nadmins,Admins,,cy,staff\naudit,Audit,"reads, all",,\n')
    expect(third.counts).toMatchObject({ changed: 2, unchanged: 1, givesAdded: 1, givesEnded: 1 })
    expect([entry('admins').gives, entry('staff').gives, entry('admins').owner]).toEqual([['staff'], ['audit'], 'cy'])
    expect(app.store().audit.verify().findings).toEqual([])
    expect(checkStore(app.store(), { quick: false })).toEqual([])
  })

  it('lets what it lacks be gone after a complete read, with who still holds it; it returns with the next read that has it', async () => {
    const { read, entry } = await bench(feed())
    await read('staff,,,,\nadmins,,,,staff\naudit,,,,\n')
    const result = await read('audit,,,,\n')
    expect(result).toMatchObject({
      status: 'warning',
      counts: { missing: 2, gone: 2, stillHeld: 2, givesEnded: 1 },
      messages: [
        {
          code: 'IQ2008',
          text: '2 entitlements are not listed any more, but accounts still hold them: staff (2), admins (1)',
        },
      ],
    })
    expect(entry('admins')).toMatchObject({ state: 'gone', gives: [], holders: 1 })
    expect(entry('old'), 'never described: its absence says nothing').toMatchObject({ state: 'active' })
    expect((await read('audit,,,,\nadmins,,,,\nstaff,,,,\n')).counts).toMatchObject({ returned: 2, gone: 0 })
    expect(entry('admins').state).toBe('active')
  })

  it('after a merely stable read waits: gone when missing again in other content after the grace time', async () => {
    const { read, entry, clock } = await bench(feed('', ''))
    await read('staff,,,,\nadmins,,,,\n')
    expect((await read('staff,,,,\n')).counts).toMatchObject({ missing: 1, gone: 0 })
    clock.forward(21 * hour)
    expect((await read('staff,,,,\n')).counts).toMatchObject({ missing: 1, gone: 0 })
    expect((await read('staff,x,,,\n')).counts).toMatchObject({ missing: 1, gone: 1 })
    expect(entry('admins').state).toBe('gone')
    await read('staff,x,,,\nadmins,,,,\n')
    await read('staff,x,,,\n')
    await read('staff,y,,,\nadmins,,,,\n')
    clock.forward(21 * hour)
    expect((await read('staff,z,,,\n')).counts, 'seen in between').toMatchObject({ missing: 1, gone: 0 })
  })

  it('refuses circles with their path, values that are not there, and entries that occur twice; the rest is made', async () => {
    const { read, entry, rejects } = await bench(feed())
    await read('a,,,,\nb,,,,a\n')
    const result = await read('a,,,,c\nb,,,,a\nc,,,,b\nd,,,,d|nowhere|b\ne,,,,\ne,twice,,,\n,,,,\n')
    expect(result).toMatchObject({
      status: 'warning',
      exitCode: 3,
      counts: { read: 7, rejected: 3, created: 2, givesAdded: 1, givesRejected: 4 },
    })
    expect(rejects(result)).toEqual([
      ['IQ2102', 8, 'the entitlement has no value'],
      ['IQ2112', 6, '"e" occurs also in line 7'],
      ['IQ2112', 7, '"e" occurs also in line 6'],
      ['IQ2114', 5, '"d" gives "nowhere", which is not there'],
      ['IQ2113', 2, '"a" gives "c" gives "b" gives "a": a circle'],
      ['IQ2113', 4, '"c" gives "b" gives "a" gives "c": a circle'],
      ['IQ2113', 5, '"d" gives "d": a circle'],
    ])
    expect([entry('a').gives, entry('b').gives, entry('c').gives, entry('d').gives]).toEqual([[], ['a'], [], ['b']])
  })

  it('compares values as the attribute does', async () => {
    const { read, entry } = await bench(feed(', valuesIgnoreCase: true'))
    expect((await read('STAFF,Staff,,,Audit\naudit,,,,\n')).counts).toMatchObject({
      changed: 1,
      created: 1,
      givesAdded: 1,
    })
    expect(entry('staff')).toMatchObject({ value: 'staff', displayName: 'Staff', gives: ['audit'], holders: 2 })
  })

  it('is taken back by undo, and that by undo again', async () => {
    const { read, cwd, app } = await bench(feed())
    await read('staff,Staff,,,\nadmins,,,,staff\n')
    app.store().db.exec(`update entitlement set tags = '["privileged"]' where value = 'admins'`)
    const one = digest(cwd)
    const changed = await read('staff,Other,,,new\nnew,New,,,\n')
    const two = digest(cwd)
    expect(changed.counts).toMatchObject({ created: 1, changed: 1, gone: 1 })
    const undo = (id: string) => app.run({ task: 'undo', trigger: 'manual', set: { result: id } })
    const undone = await undo(changed.id)
    expect(undone, JSON.stringify(undone.messages)).toMatchObject({
      status: 'success',
      counts: { entitlementsRemoved: 1, entitlementsRestored: 2 },
    })
    expect(digest(cwd)).toBe(one)
    expect((await undo(undone.id)).status).toBe('success')
    expect(digest(cwd)).toBe(two)
  })

  it('that is stopped at any chunk goes on there, to the very state of a run that was not disturbed', async () => {
    const rows = [
      'g1,One,,,g2|g3\ng2,Two,,,g3\ng3,Three,,,\ng4,Four,,,g1\n',
      'g1,One,,,g3\ng3,Other,,,g5\ng4,Four,,,\ng5,New,,,\n',
    ]
    const small = {
      ...feed(),
      'tasks/t.yaml':
        'kind: TaskDefinition\nname: t\nexecutor: entitlement-aggregation\narguments: { applications: ad }\nlossLimit: 1\n',
    }
    const night = async (b: Bench, text: string, stopAfter: number | undefined): Promise<number> => {
      write(b.cwd, { 'groups.csv': header + text })
      const abort = new AbortController()
      let chunks = 0
      const onEvent: RunRequest['onEvent'] = (event) => {
        if (event.type === 'progress' && event.phase !== 'read' && ++chunks === stopAfter)
          abort.abort(new AbortError('stopped by the test', { code: 'IQ3002' }))
      }
      const result = await b.app.run({ task: 't', trigger: 'manual', set: {}, onEvent, signal: abort.signal })
      if (abort.signal.aborted) expect(result.status).toBe('terminated')
      return chunks
    }
    const calm = await bench(small)
    const chunks = [await night(calm, rows[0] ?? '', undefined), await night(calm, rows[1] ?? '', undefined)]
    expect(Math.min(...chunks)).toBeGreaterThan(7)
    for (let stop = 1; stop < (chunks[1] ?? 0); stop++) {
      const b = await bench(small)
      await night(b, rows[0] ?? '', undefined)
      await night(b, rows[1] ?? '', stop)
      // the source is gone: what was planned is what is done
      rmSync(join(b.cwd, 'groups.csv'))
      const resumed = await b.app.run({ task: 't', trigger: 'manual', set: {}, resume: true })
      expect(resumed.status, JSON.stringify(resumed.messages)).toBe('success')
      expect(digest(b.cwd), `stopped after chunk ${stop}`).toBe(digest(calm.cwd))
      await b.app.close()
    }
  }, 30_000)

  it('is guarded, planned and dry run like everything else', async () => {
    const files = feed()
    const { read, cwd } = await bench({ ...files, 'iqtask.config.yaml': 'timeZone: UTC\n' })
    const rows = Array.from({ length: 100 }, (_, i) => `g${i},,,,\n`)
    const dry = await read(rows.join(''), { dryRun: true })
    expect(dry.counts).toMatchObject({ created: 100 })
    const real = await read(rows.join(''))
    expect([real.counts.created, real.planHash]).toEqual([100, dry.planHash])
    const before = digest(cwd)
    const half = await read(rows.slice(50).join(''))
    expect(half).toMatchObject({ exitCode: 4, stoppedBy: 'guard' })
    expect(half.guards.filter((g) => g.verdict === 'tripped').map((g) => [g.guard, g.value])).toEqual(
      expect.arrayContaining([['deletes', 50]]),
    )
    expect(JSON.stringify(half.guards)).toContain('50 entitlements would be gone (50 %; limit 10 %)')
    expect(digest(cwd)).toBe(before)
    write(cwd, {
      'applications/ad.yaml': files['applications/ad.yaml'].replace(
        'value: name',
        'where: "row.name != \'g1\'", value: name',
      ),
    })
    const moved = await runCli('run entitlement-aggregation --json --allow shrunkenSource --reason "fewer groups"', {
      cwd,
    })
    const scope = JSON.parse(moved.stdout) as TaskResultDocument
    expect(scope.counts, 'another scope: nothing is missing').toMatchObject({ missing: 0, gone: 0, unchanged: 50 })
    const shown = await runCli('plan entitlement-aggregation --json', { cwd })
    expect(shown.code, 'in the next read of that scope they are').toBe(4)
    expect(shown.stdout).toContain('50 entitlements would be gone')
  })

  it('leaves out what a run may not make, each entry whole', async () => {
    const { read, entry } = await bench(feed())
    await read('staff,Staff,,,\nadmins,Admins,,,staff\naudit,,,,\n')
    const rows = 'staff,Other,,,new\nnew,New,,,\nadmins,Admins,,,\n'
    const kept = await read(rows, { forbid: ['end', 'create'] })
    expect(kept).toMatchObject({
      status: 'warning',
      counts: { created: 0, changed: 2, gone: 0, givesAdded: 0, givesEnded: 1 },
    })
    expect(kept.messages.map((message) => message.code)).toContain('IQ3009')
    expect([entry('audit').state, entry('staff').displayName, entry('staff').gives]).toEqual(['active', 'Other', []])
    const part = await read(rows, { select: { only: "change.key == 'ad:groups:new'" } })
    expect(part.counts).toMatchObject({ created: 1, changed: 0, gone: 0 })
    expect((await read(rows)).counts).toMatchObject({ created: 0, changed: 1, gone: 1, givesAdded: 1 })
  })

  it('asked of an application without one is a sentence; a pattern leaves it out', async () => {
    const { app, cwd } = await bench({
      ...feed(),
      'applications/hr.yaml':
        'kind: Application\nname: hr\nconnector: delimited\nconnection: { file: ../hr.csv }\naccount: { nativeIdentity: id }\n',
      'groups.csv': `${header}staff,,,,\n`,
    })
    const all = await app.run({ task: 'entitlement-aggregation', trigger: 'manual', set: {} })
    expect(all.sections.map((section) => section.application)).toEqual(['ad'])
    const { code, stdout } = await runCli('run entitlement-aggregation --set applications=hr', { cwd })
    expect(stdout).toContain('hr has no catalogue')
    expect((await runCli(['run', 'entitlement-aggregation', '--only', 'true'], { cwd })).stdout).toContain(
      '--only chooses accounts',
    )
    expect(code).toBe(2)
  })
})
