import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { checkStore, openApp } from '../../src/app.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { handClock } from '../helpers/clock.ts'
import { endedRun } from '../helpers/ended-run.ts'
import { runMortal } from '../helpers/mortal.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const day = 86_400_000
const retention = (more = '') => `retention: { results: 60d, rejects: 10d, images: 10d, gone: 40d${more} }\n`
const off = 'guards: { deletes: off, shrunkenSource: off, otherSource: off, identitiesCreated: off }\n'

/** A project with a clock of its own, in which tasks are run night after night. */
function organisation(config = retention(), clock = handClock()) {
  const cwd = project({
    ...smallOrganisation,
    'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}${off}${config}`,
    'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace(
      '../ad.csv',
      '../ad.csv, evidence: { minRows: 1 }',
    ),
    'ad.csv': `${smallOrganisation['ad.csv']}old,,yes,g1\n`,
    'hr.csv': `${smallOrganisation['hr.csv']}4,Di,di@example.com,active,never\n`,
  })
  const run = async (
    task: string,
    more: { dryRun?: boolean; set?: Record<string, string>; allow?: boolean } = {},
  ): Promise<TaskResultDocument> => {
    const app = await openApp({ cwd, env: {}, clock })
    try {
      const allow = more.allow === true ? { guards: ['deletes'], reason: 'a test' } : undefined
      return await app.run({ task, trigger: 'manual', set: more.set ?? {}, dryRun: more.dryRun, allow })
    } finally {
      await app.close()
    }
  }
  const rows = (sql: string): unknown => {
    const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
    try {
      return db.prepare(sql).pluck().get()
    } finally {
      db.close()
    }
  }
  /** Nights in which somebody's groups change (a before image), a row is rejected, and all but two accounts are gone. */
  const nights = async (count: number): Promise<TaskResultDocument[]> => {
    const results: TaskResultDocument[] = []
    for (let night = 0; night < count; night++) {
      clock.forward(day)
      write(cwd, {
        'ad.csv': `login,mail,enabled,groups\nada,ADA@example.com,yes,g${night}\nbo,bo@example.com,yes,g1\n`,
      })
      results.push(await run('aggregation'))
    }
    return results
  }
  /** Results without work, a day apart. */
  const results = async (count: number): Promise<void> => {
    const app = await openApp({ cwd, env: {}, clock })
    const { db, runs } = app.store()
    db.write(() => {
      for (let night = 0; night < count; night++) {
        clock.forward(day)
        endedRun(runs, clock.now())
      }
    })
    await app.close()
  }
  /** That many events in the audit trail. */
  const events = async (count: number): Promise<void> => {
    const app = await openApp({ cwd, env: {}, clock })
    const { db, audit } = app.store()
    const at = clock.now().toISOString()
    db.write(() => {
      for (let n = 0; n < count; n++)
        audit.append({ at, actor: '{}', action: 'x', object: 'result', key: `k${n}`, run: null, body: {} })
    })
    await app.close()
  }
  return { cwd, clock, run, rows, nights, results, events }
}

/** What is kept of the past, but for the runs of the maintenance itself. */
function pastOf(cwd: string): string {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const results = `select id from task_result where task <> 'clean'`
  const rows = [
    results,
    `select run, seq, reason from reject where run in (${results})`,
    'select run, object, object_id, before from change',
    'select run, what from pruned',
    'select id, native, state from account',
    'select account_id, entitlement_id, since, until from access',
    'select first, last, hex(events) from audit_pack',
  ].map((sql) => db.prepare(sql).raw().all())
  db.close()
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex')
}

const sound = async (cwd: string): Promise<readonly unknown[]> => {
  const app = await openApp({ cwd, env: {} })
  try {
    return checkStore(app.store(), { quick: false })
  } finally {
    await app.close()
  }
}

describe('maintenance', () => {
  it('removes what has reached its age, of each kind at its own; what is younger stays, and the store is sound', async () => {
    const { cwd, clock, run, rows, nights, results } = organisation()
    await run('aggregation')
    await nights(3)
    await results(35)
    expect(rows("select count(*) from account where state = 'gone'")).toBe(5)
    expect(rows('select count(distinct run) from change')).toBe(1)
    const auditBefore = rows('select count(*) from audit')
    const leaving = Number(rows("select count(distinct state_run) from account where state <> 'active'"))
    expect(leaving).toBeLessThan(3)
    clock.forward(31 * day)
    const result = await run('prune', { allow: true })
    expect(result.status).toBe('success')
    // of 39 runs the last thirty stay, and those in which accounts left
    expect(result.counts).toMatchObject({ results: 9 - leaving, rejects: 1, images: 1, accounts: 5 })
    expect(rows('select count(*) from reject')).toBe(0)
    expect(rows('select count(*) from change')).toBe(0)
    expect(rows("select count(*) from account where state = 'gone'")).toBe(0)
    expect(rows("select count(*) from task_result where task = 'aggregation'")).toBe(30 + leaving)
    expect(rows('select count(*) from audit')).toBeGreaterThan(Number(auditBefore))
    expect(await sound(cwd)).toEqual([])
    // safe to run twice
    expect((await run('prune')).counts).toMatchObject({ rejects: 0, images: 0, accounts: 0 })
  })

  it('plans the same in a dry run, and removes nothing', async () => {
    const { clock, run, rows, nights } = organisation()
    await run('aggregation')
    await nights(3)
    clock.forward(30 * day)
    const tables = () =>
      ['task_result', 'change', 'reject', 'account'].map((table) => rows(`select count(*) from ${table}`))
    const before = tables()
    const dry = await run('maintenance', { dryRun: true, allow: true })
    expect(tables()).toEqual([Number(before[0]) + 1, ...before.slice(1)])
    const { counts } = await run('prune', { allow: true })
    for (const kind of ['results', 'rejects', 'images', 'accounts']) expect(dry.counts[kind], kind).toBe(counts[kind])
  })

  it('is stopped by the guard where a tenth of all results would go at once, and removes nothing', async () => {
    const { cwd, clock, run, rows, results } = organisation()
    await run('aggregation')
    await results(40)
    write(cwd, {
      'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}${retention().replace('60d', '1d')}`,
    })
    clock.forward(day)
    const before = rows('select count(*) from task_result')
    const result = await run('prune')
    expect([result.exitCode, result.stoppedBy]).toEqual([4, 'guard'])
    expect(result.guards.find((guard) => guard.verdict === 'tripped')).toMatchObject({
      guard: 'deletes',
      text: expect.stringContaining('results would be gone'),
    })
    expect(rows('select count(*) from task_result')).toBe(Number(before) + 1)
    expect(rows('select count(*) from reject')).toBeGreaterThan(0)
  })

  it('leaves alone what a legal hold names, until the hold is over', async () => {
    const hold =
      ', hold: [{ accounts: ["ad:sv*"], reason: "case 7", until: 2037-06-30 }, { tasks: [aggregation], reason: "audit", until: 2037-06-30 }]'
    const { clock, run, rows, nights } = organisation(retention(hold))
    await run('aggregation')
    await nights(3)
    clock.forward(30 * day)
    const held = await run('prune', { allow: true })
    expect(held.counts).toMatchObject({ results: 0, rejects: 0, images: 0, held: expect.any(Number) })
    expect(held.counts.held).toBeGreaterThan(3)
    clock.forward(12 * day)
    await run('prune', { allow: true })
    expect(rows("select group_concat(native) from (select native from account where state = 'gone' order by 1)")).toBe(
      'svc,svc2,svc3',
    )
    clock.forward(365 * day)
    expect((await run('prune', { allow: true })).counts.accounts).toBe(3)
  })

  it('never cuts the audit trail: the chain is whole, against a checkpoint of before too, and names what went', async () => {
    const { cwd, clock, run, nights } = organisation()
    await run('aggregation')
    await nights(3)
    const app = await openApp({ cwd, env: {}, clock })
    const checkpoint = app.store().audit.head('2036-01-01T00:00:00.000Z')
    await app.close()
    clock.forward(60 * day)
    await run('maintenance', { allow: true })
    const after = await openApp({ cwd, env: {}, clock })
    const { audit } = after.store()
    expect(audit.verify(checkpoint).findings).toEqual([])
    const events = audit.list({ action: 'retention.removed' }).items.filter(({ key }) => key === 'account')
    expect(events.flatMap(({ body }) => body.keys).sort()).toEqual(['ad:cy', 'ad:old', 'ad:svc', 'ad:svc2', 'ad:svc3'])
    await after.close()
  })

  it('packs events of the audit trail that are older than 30 days, a legal hold or not, and loses none', async () => {
    const hold = ', hold: [{ tasks: [aggregation], accounts: ["*"], reason: "audit" }]'
    const { cwd, clock, run, rows, events } = organisation(retention(hold))
    await run('aggregation')
    await events(2100)
    const listed = async () => (await runCli('audit list --all --json', { cwd })).stdout
    const before = await listed()
    clock.forward(29 * day)
    expect((await run('maintenance')).counts.packed).toBe(0)
    clock.forward(2 * day)
    expect((await run('maintenance', { dryRun: true })).counts.packed).toBe(2)
    expect(rows('select count(*) from audit_pack')).toBe(0)
    expect((await run('maintenance')).counts.packed).toBe(2)
    expect(rows('select sum(last - first + 1) from audit_pack')).toBe(2000)
    const { items } = JSON.parse(before) as { items: unknown[] }
    expect((JSON.parse(await listed()) as { items: unknown[] }).items.slice(-items.length)).toEqual(items)
    expect((await runCli('audit verify', { cwd })).stdout).toContain('the chain is whole')
    expect(await sound(cwd)).toEqual([])
  })

  it('a run whose before images are gone cannot be taken back by halves', async () => {
    const { clock, run, nights } = organisation()
    await run('aggregation')
    const [changed] = await nights(2)
    clock.forward(30 * day)
    await run('prune', { allow: true })
    const undo = await run('undo', { set: { result: changed?.id ?? '' } })
    expect(undo.status).toBe('error')
    expect(undo.messages.map(({ text }) => text).join()).toContain('is not kept any more')
  })

  it('finds a row that went past the tool, removes nothing then, and makes no backup of it', async () => {
    const { cwd, clock, run } = organisation()
    await run('aggregation')
    const db = new Sqlite(join(cwd, 'var/iqtask.db'))
    db.function('row_crc', () => 0)
    db.exec("update account set attrs = json_set(attrs, '$.name', 'Mallory') where id = (select min(id) from account)")
    db.close()
    clock.forward(400 * day)
    const result = await run('maintenance')
    expect(result.status).toBe('error')
    expect(result.messages[0]).toMatchObject({
      code: 'IQ6004',
      text: expect.stringContaining('is not what was written'),
    })
    expect(result.counts).toMatchObject({ results: 0, backups: 0 })
    expect(readdirSync(join(cwd, 'var'))).not.toContain('backups')
  })

  it('that is killed, wherever it is, comes to the same end when it is resumed, and when it is run anew', async () => {
    const { cwd, run, nights, results, events } = organisation(retention(), handClock('2024-01-01T00:00:00.000Z'))
    write(cwd, {
      'tasks/clean.yaml':
        'kind: TaskDefinition\nname: clean\nexecutor: maintenance\nlossLimit: 2\narguments: { steps: [prune, verify, pack, analyse] }\n',
    })
    await run('aggregation')
    await nights(3)
    await results(35)
    await events(2100)
    const copy = (): string => {
      const other = project({})
      cpSync(cwd, other, { recursive: true })
      return other
    }
    const again = async (other: string, options = ''): Promise<string> => {
      expect((await runCli(`run clean ${options} --json`, { cwd: other })).code).toBe(0)
      return pastOf(other)
    }
    const quiet = copy()
    const calls = Number(runMortal(quiet, 'clean', 0).stdout)
    expect(calls).toBeGreaterThan(20)
    const once = pastOf(quiet)
    expect(once).not.toBe(pastOf(cwd))
    // a result that says when accounts left goes after them
    const twice = await again(quiet)
    for (const [turn, part] of [0.35, 0.6, 0.8, 0.97].entries()) {
      const other = copy()
      expect(runMortal(other, 'clean', Math.floor(calls * part)).signal, `${part} of ${calls}`).toBe('SIGKILL')
      if (turn % 2 === 0) expect(await again(other, '--resume'), `killed at ${part}`).toBe(once)
      else await again(other)
      expect(await again(other), `killed at ${part}`).toBe(twice)
      expect(await sound(other)).toEqual([])
    }
  })

  it('backs up, keeps the last ones, and leaves foreign files alone', async () => {
    const { cwd, clock, run, rows } = organisation()
    await run('aggregation')
    for (let night = 0; night < 8; night++) {
      clock.forward(day)
      expect((await run('maintenance')).counts.backups).toBe(1)
      if (night === 0) writeFileSync(join(cwd, 'var/backups/mine.db'), '')
    }
    // tidied too: the planner knows the tables, and the log was given back to the disk
    expect(rows('select count(*) from sqlite_stat1')).toBeGreaterThan(5)
    const names = readdirSync(join(cwd, 'var/backups')).sort()
    expect(names).toHaveLength(8)
    expect(names).toContain('mine.db')
    expect(statSync(join(cwd, 'var/backups', names[0] ?? '')).mode & 0o777).toBe(0o600)
    const newest = new Sqlite(join(cwd, 'var/backups', names.filter((name) => name !== 'mine.db').at(-1) ?? ''), {
      readonly: true,
    })
    expect(newest.prepare('select count(*) from account').pluck().get()).toBe(10)
    newest.close()
  })

  it('a backup that cannot be made is an error, and the store is as well as before', async () => {
    const { cwd, run } = organisation()
    await run('aggregation')
    writeFileSync(join(cwd, 'var/backups'), 'a file is in the way')
    const result = await run('maintenance')
    expect(result).toMatchObject({ status: 'error', exitCode: 1 })
    expect(result.messages[0]).toMatchObject({ code: 'IQ6006' })
    expect(readFileSync(join(cwd, 'var/backups'), 'utf8')).toBe('a file is in the way')
  })

  it.each([
    ['gone: 5d', 'is shorter than images'],
    ['results: soon', 'is no duration'],
    ['rejectz: 5d', 'unknown key'],
  ])('retention: { %s } is refused with the place', async (wrong, text) => {
    const cwd = project({
      ...smallOrganisation,
      'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}retention: { ${wrong} }\n`,
    })
    await expect(openApp({ cwd, env: {} })).rejects.toMatchObject({
      message: expect.stringContaining(text),
      place: { line: 9 },
    })
  })
})
