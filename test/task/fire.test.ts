import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type App, openApp, type RunEvent } from '../../src/app.ts'
import type { Clock } from '../../src/base/clock.ts'
import { timingOf } from '../../src/model/schedule.ts'
import { describeSchedule } from '../../src/schedule-status.ts'
import { findSchedule, nextFires } from '../../src/schedules.ts'
import { jitterOf } from '../../src/task/fire.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { until } from '../helpers/spawn-cli.ts'

/** A clock that is put where a test wants it; `speed` lets it run so many times faster than the real one. */
function clockAt(start: string, speed = 0): Clock & { set(at: string): void } {
  let at = Date.parse(start)
  let since = performance.now()
  return {
    now: () => new Date(at + (performance.now() - since) * speed),
    monotonicMs: () => performance.now(),
    set(text) {
      at = Date.parse(text)
      since = performance.now()
    },
  }
}

const task = (schedule: string, more = ''): string =>
  `kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr] }\n${more}schedule:\n  - { name: s, ${schedule} }\n`

/** An app on a project of its own, or a second one on the same. */
async function opened(cwd: string, clock: Clock): Promise<App & AsyncDisposable> {
  const app = await openApp({ cwd, env: {}, clock })
  return Object.assign(app, { [Symbol.asyncDispose]: () => app.close() })
}
const timed = (schedule: string, more = '', files: Readonly<Record<string, string>> = {}): string =>
  project({ ...smallOrganisation, 'tasks/t.yaml': task(schedule, more), ...files })
const rows = (app: App) =>
  app
    .store()
    .results.list({})
    .items.map(({ status, trigger }) => `${trigger} ${status}`)
/** A task that runs until its file is there. */
const waiting = (file: string, schedule: string, more = '') => ({
  'tasks/t.yaml': task(`${schedule}, arguments: { file: "${file}" }`, more)
    .replace('account-aggregation', './mine.ts')
    .replace('arguments: { applications: [hr] }\n', ''),
  'tasks/mine.ts': `import { existsSync } from 'node:fs'
import { defineExecutor } from 'iqtask'
import { z } from 'zod'
export default defineExecutor({ name: 'mine', summary: 'waits for a file', arguments: z.object({ file: z.string() }), async run(ctx, { file }) {
  while (!existsSync(file)) { ctx.signal.throwIfAborted(); await new Promise((done) => setTimeout(done, 20)) }
} })
`,
})
/** Once the run waits for its turn, something happens. */
const whenQueued = (app: App, then: () => void) =>
  until(() =>
    app
      .store()
      .runs.live()
      .some(({ status }) => status === 'queued'),
  ).then(then)
const begin = (app: App, at: string) =>
  app
    .store()
    .db.write(() => app.store().schedules.begin('t/s', new Date(at).toISOString(), timingOf(findSchedule(app, 't/s'))))

const daily = 'cron: "30 2 * * *", timeZone: UTC'

describe('a fire', () => {
  it('runs what is due with the trigger schedule and its typed arguments; a second one does nothing', async () => {
    const clock = clockAt('2026-11-24T02:30:01Z')
    await using app = await opened(timed(`${daily}, arguments: { applications: [ad] }`), clock)
    const first = await app.fire('t/s')
    expect(first).toMatchObject({
      did: 'ran',
      nominal: '2026-11-24T02:30:00.000Z',
      missed: 0,
      result: { trigger: 'schedule', arguments: { applications: ['ad'] } },
    })
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing', reason: 'nothing is due', result: null })
    clock.set('2026-11-24T03:30:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing' })
    expect(rows(app)).toHaveLength(1)
  })

  it("of many at once, on one store and from two hosts' programs, runs once", async () => {
    const clock = clockAt('2026-11-24T02:30:00Z')
    const cwd = timed(daily)
    await using one = await opened(cwd, clock)
    one.store()
    await using two = await opened(cwd, clock)
    const outcomes = await Promise.all([one, two, one, two].map((app) => app.fire('t/s')))
    expect(outcomes.map(({ did }) => did).filter((did) => did === 'ran')).toEqual(['ran'])
    expect(rows(one)).toHaveLength(1)
  })

  it('misses nothing from before it was installed', async () => {
    await using app = await opened(timed(daily), clockAt('2026-11-24T12:00:00Z'))
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing', missed: 0 })
  })

  it('misses nothing that its timing had before it was written: neither when it is new, nor after a change', async () => {
    const cwd = timed('every: minute, startDeadline: 30m')
    const clock = clockAt('2026-11-24T12:00:10Z')
    const one = await openApp({ cwd, env: {}, clock })
    expect(await one.fire('t/s')).toMatchObject({ did: 'ran', nominal: '2026-11-24T12:00:00.000Z', missed: 0 })
    await one.close()
    write(cwd, { 'tasks/t.yaml': task('every: 15m, timeZone: UTC, startDeadline: 30m') })
    clock.set('2026-11-24T17:15:10Z')
    await using other = await opened(cwd, clock)
    expect(await other.fire('t/s')).toMatchObject({ did: 'ran', nominal: '2026-11-24T17:15:00.000Z', missed: 0 })
    clock.set('2026-11-24T17:46:00Z')
    expect(await other.fire('t/s')).toMatchObject({ did: 'ran', nominal: '2026-11-24T17:45:00.000Z', missed: 1 })
  })

  it('after ten days makes the newest good and records the others, each with its reason', async () => {
    await using app = await opened(timed(daily), clockAt('2026-11-24T09:00:00Z'))
    begin(app, '2026-11-14T12:00:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'ran', nominal: '2026-11-24T02:30:00.000Z', missed: 9 })
    expect(rows(app)).toEqual(['schedule success', ...Array.from({ length: 9 }, () => 'schedule missed')])
    const [made, lost] = app.store().results.list({}).items
    expect(made?.messages[0]).toMatchObject({
      code: 'IQ5004',
      text: 'for t/s at 2026-11-24T02:30:00.000Z, made good 6 h 30 min late',
    })
    expect(lost?.messages[0]?.text).toContain('missed: t/s at 2026-11-23T02:30:00.000Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing' })
  })

  it.each([
    ['misfire: skip', '2026-11-24T09:00:00Z'],
    ['catchUpWindow: 1h', '2026-11-24T09:00:00Z'],
  ])('with %s makes nothing good that is late', async (setting, at) => {
    await using app = await opened(timed(`${daily}, ${setting}`), clockAt(at))
    begin(app, '2026-11-23T12:00:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'missed', missed: 1, result: null })
    expect(rows(app)).toEqual(['schedule missed'])
  })

  it('tells thousands of missed times in one row', async () => {
    await using app = await opened(timed('every: 1m'), clockAt('2026-11-24T00:00:00Z'))
    begin(app, '2026-11-23T00:00:30Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'ran', missed: 1439 })
    expect(rows(app)).toEqual(['schedule success', 'schedule missed'])
  })

  it('fires nothing twice when the clock is set back a day, and goes on after it was a year ahead', async () => {
    const clock = clockAt('2026-11-24T02:30:00Z')
    await using app = await opened(timed(daily), clock)
    expect(await app.fire('t/s')).toMatchObject({ did: 'ran' })
    clock.set('2026-11-23T03:00:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing' })
    clock.set('2026-11-24T02:30:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing' })
    clock.set('2027-11-24T02:30:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'ran' })
    clock.set('2026-11-25T02:30:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing' })
  })

  it('of a task that runs already leaves a skipped row that names the run', async () => {
    await using app = await opened(timed(daily), clockAt('2026-11-24T02:30:00Z'))
    const store = app.store()
    await app.run({ task: 't', trigger: 'manual', set: {} })
    const [before] = store.results.list({}).items
    store.db.statement(`update task_result set status = 'running'`).run()
    const outcome = await app.fire('t/s')
    expect(outcome).toMatchObject({ did: 'ran', result: { status: 'skipped', trigger: 'schedule' } })
    expect(outcome.reason).toContain(`t runs already: result ${before?.id}`)
  })

  it.each([
    ['queue', ['running', 'queued']],
    ['allow', ['running', 'running']],
  ])('with concurrency: %s of a task that runs already is %j', async (concurrency, expected) => {
    const cwd = project(smallOrganisation)
    const file = join(cwd, 'go')
    write(cwd, waiting(file, 'every: 30m, timeZone: UTC', `concurrency: ${concurrency}\n`))
    const clock = clockAt('2026-11-24T02:30:00Z')
    await using app = await opened(cwd, clock)
    const live = () =>
      app
        .store()
        .runs.live()
        .map(({ status }) => status)
    const first = app.fire('t/s')
    await until(() => live().join() === 'running')
    clock.set('2026-11-24T03:00:00Z')
    const second = app.fire('t/s')
    await until(() => live().join() === expected.join())
    writeFileSync(file, '')
    expect(await first).toMatchObject({
      did: 'ran',
      nominal: '2026-11-24T02:30:00.000Z',
      result: { status: 'success' },
    })
    expect(await second).toMatchObject({
      did: 'ran',
      nominal: '2026-11-24T03:00:00.000Z',
      result: { status: 'success' },
    })
  })

  it('is held by a pause, of which nothing is missed', async () => {
    const clock = clockAt('2026-11-24T02:30:00Z')
    await using app = await opened(timed(daily), clock)
    const { schedules, db } = app.store()
    begin(app, '2026-11-20T00:00:00Z')
    db.write(() => schedules.pause('t/s', '2026-11-20T00:00:00.000Z', '2026-11-24T12:00:00.000Z'))
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing', reason: expect.stringContaining('paused') })
    clock.set('2026-11-25T02:30:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'ran', missed: 0 })
  })

  it.each([
    ['2026-11-24T02:29:54Z', 'nothing', 0],
    // a clock behind the daemon's: it waits for the second that is left
    ['2026-11-24T02:29:59Z', 'ran', 1],
    ['2026-11-24T02:30:01Z', 'ran', 0],
    ['2026-11-24T02:35:00Z', 'ran', 0],
    ['2026-11-24T02:35:01Z', 'missed', 0],
  ])('whose clock says %s: %s', async (at, did, speed) => {
    await using app = await opened(timed(`${daily}, misfire: skip`), clockAt(at, speed))
    begin(app, '2026-11-23T12:00:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did })
  })

  it('really waits its part of the jitter, before it takes its turn; the ledger keeps the nominal time', async () => {
    // five minutes in a second
    await using app = await opened(timed(`${daily}, jitter: 10m`), clockAt('2026-11-24T02:30:00Z', 300))
    const wait = jitterOf({ id: 't/s', jitterMs: 600_000 }, hostname())
    const { result, nominal } = await app.fire('t/s')
    const started = Date.parse(result?.startedAt ?? '') - Date.parse('2026-11-24T02:30:00Z')
    expect(nominal).toBe('2026-11-24T02:30:00.000Z')
    expect(started).toBeGreaterThanOrEqual(wait)
    expect(result).toMatchObject({ status: 'success' })
  })

  it('waits its own part of the jitter, the same every time', () => {
    const window = { id: 't/s', jitterMs: 600_000 }
    expect(jitterOf(window, 'host')).toBe(jitterOf(window, 'host'))
    const parts = Array.from({ length: 200 }, (_, i) => jitterOf(window, `host${i}`))
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...parts)).toBeLessThan(600_000)
    expect(new Set(parts).size).toBeGreaterThan(190)
  })
})

describe('a blackout', () => {
  const window = (from: string, to: string, stop = false): string =>
    `blackout: [{ from: "${from}", to: "${to}", timeZone: UTC, stop: ${stop} }]\n`

  /** The window opens as soon as the run has begun, and is over as soon as the run has stopped. */
  const intoWindow = (clock: ReturnType<typeof clockAt>) => {
    let opened = false
    return (event: RunEvent): void => {
      if (event.type === 'started' && !opened) clock.set('2026-11-24T02:31:10Z')
      if (event.type === 'started') opened = true
      if (event.type === 'message' && event.code === 'IQ3006') clock.set('2026-11-24T02:33:00Z')
    }
  }

  it('delays a start to its end, within the deadline, and says so', async () => {
    const clock = clockAt('2026-11-24T02:30:00Z')
    await using app = await opened(timed(`${daily}, startDeadline: 1h`, window('02:00', '02:31')), clock)
    const [{ result }] = await Promise.all([app.fire('t/s'), whenQueued(app, () => clock.set('2026-11-24T02:31:00Z'))])
    expect(result).toMatchObject({ status: 'success', trigger: 'schedule' })
    expect(result?.messages.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(
        /^the start was delayed from 2026-11-24T02:30:.* to 2026-11-24T02:31:00.000Z by the blackout 02:00–02:31 UTC$/,
      ),
    )
    expect(Date.parse(result?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse('2026-11-24T02:31:00Z'))
  })

  it('of the whole project that ends after the deadline makes the fire a missed one', async () => {
    const config = `${smallOrganisation['iqtask.config.yaml']}${window('02:00', '06:00')}`
    await using app = await opened(timed(daily, '', { 'iqtask.config.yaml': config }), clockAt('2026-11-24T02:30:00Z'))
    expect(await app.fire('t/s')).toMatchObject({
      did: 'missed',
      missed: 1,
      result: { status: 'missed' },
      reason: expect.stringContaining('blackout 02:00–06:00 UTC'),
    })
    expect(await app.fire('t/s')).toMatchObject({ did: 'nothing' })
  })

  it('refuses a person, with its end and how to wait for it', async () => {
    await using app = await opened(timed(daily, window('02:00', '06:00')), clockAt('2026-11-24T02:30:00Z'))
    await expect(app.run({ task: 't', trigger: 'manual', set: {} })).rejects.toMatchObject({
      code: 'IQ3006',
      hint: expect.stringContaining('--if-running wait'),
    })
    expect(rows(app)).toEqual([])
  })

  it('with stop: true ends a run at the next chunk, and lets it go on after the window', async () => {
    const feed = [
      'id,name,mail,state,start',
      ...Array.from({ length: 6_000 }, (_, i) => `${i},N${i},n${i}@example.com,active,2020-01-31`),
    ]
    const cwd = timed(daily, `lossLimit: 1\n${window('02:31', '02:33', true)}`, { 'hr.csv': `${feed.join('\n')}\n` })
    const clock = clockAt('2026-11-24T02:30:50Z')
    await using app = await opened(cwd, clock)
    const { result } = await app.fire('t/s', { onEvent: intoWindow(clock) })
    expect(result).toMatchObject({ status: 'success', counts: { created: 6_000 } })
    const texts = result?.messages.map(({ text }) => text) ?? []
    expect(texts).toContainEqual(expect.stringContaining('stopped by the blackout 02:31–02:33 UTC'))
    expect(texts).toContainEqual(expect.stringContaining('resumed at 2026-11-24T02:33:00'))
    expect(rows(app)).toHaveLength(1)
  })

  it('stops a run before its first checkpoint too: it goes on in the same result', async () => {
    const cwd = project(smallOrganisation)
    const file = join(cwd, 'go')
    write(cwd, waiting(file, daily, window('02:31', '02:33', true)))
    const clock = clockAt('2026-11-24T02:30:50Z')
    await using app = await opened(cwd, clock)
    const windows = intoWindow(clock)
    const { result } = await app.fire('t/s', {
      onEvent(event) {
        windows(event)
        if (event.type === 'message' && event.code === 'IQ3006') writeFileSync(file, '')
      },
    })
    expect(result).toMatchObject({ status: 'success', trigger: 'schedule' })
    expect(result?.messages.map(({ code }) => code)).toEqual(['IQ5009', 'IQ3006', 'IQ3003'])
    expect(rows(app)).toHaveLength(1)
    expect(app.store().schedules.history('t/s', 2)).toMatchObject([{ status: 'success', result: result?.id }])
  })
})

describe('what is told of schedules', () => {
  it('catchup after an outage makes each good once, whoever fires meanwhile', async () => {
    const cwd = timed(daily)
    const { code, stdout } = await runCli('schedule catchup --json', { cwd })
    expect([code, JSON.parse(stdout).items]).toMatchObject([0, [{ id: 't/s', did: 'nothing' }]])
    await using app = await opened(cwd, clockAt('2026-11-24T09:00:00Z'))
    app.store().db.statement(`update schedule set since = '2026-11-22T12:00:00.000Z'`).run()
    const outcomes = await Promise.all([app.fire('t/s'), app.fire('t/s')])
    expect(outcomes.map(({ did }) => did).sort()).toEqual(['nothing', 'ran'])
    expect(rows(app)).toEqual(['schedule success', 'schedule missed'])
  })

  it('results shows every delay, skip and miss, each with its reason', async () => {
    const cwd = timed(
      `${daily}, startDeadline: 1h, misfire: skip`,
      `blackout: [{ from: "02:00", to: "02:31", timeZone: UTC }]\n`,
    )
    const clock = clockAt('2026-11-24T02:30:50Z')
    await using app = await opened(cwd, clock)
    const table = async () => (await runCli('results', { cwd })).stdout.split('\n')
    const [outcome] = await Promise.all([app.fire('t/s'), whenQueued(app, () => clock.set('2026-11-24T02:31:00Z'))])
    expect(outcome).toMatchObject({ did: 'ran' })
    expect((await table())[1]).toMatch(/success .* the start was delayed from 2026-11-24T02:3.* to 2026-11-24T02:31:00/)
    clock.set('2026-11-25T02:45:00Z')
    app.store().db.statement(`update task_result set status = 'running' where id = 1`).run()
    expect(await app.fire('t/s')).toMatchObject({ did: 'ran', result: { status: 'skipped' } })
    app.store().db.statement(`update task_result set status = 'success' where id = 1`).run()
    clock.set('2026-11-26T09:00:00Z')
    expect(await app.fire('t/s')).toMatchObject({ did: 'missed' })
    const [title, missed, skipped] = await table()
    expect(title).toMatch(/REJECTED {2}WHY$/)
    expect(missed).toMatch(/missed .* missed: t\/s at 2026-11-26T02:30:00.000Z was not started in time/)
    expect(skipped).toMatch(/skipped .* t runs already: result \w+/)
  })

  it('status has average, deviation and overlap; next names who still runs', async () => {
    const other = task('every: 1h').replace('name: t', 'name: u')
    const cwd = timed('every: 1h', '', { 'tasks/u.yaml': other })
    await using app = await opened(cwd, clockAt('2026-11-24T02:00:00Z'))
    await app.fire('t/s')
    app.store().db.statement('update task_result set duration_ms = 4_000_000').run()
    const schedule = findSchedule(app, 't/s')
    const nothing = { targets: [], faults: [], fault: undefined }
    expect(describeSchedule(app, schedule, nothing)).toMatchObject({
      averageMs: 4_000_000,
      deviationMs: 0,
      overlap: 'a run takes up to 1 h 6 min, the next fire comes after 1 h 0 min',
      last: { nominal: '2026-11-24T02:00:00.000Z', status: 'success' },
    })
    const fires = nextFires(app, [schedule, findSchedule(app, 'u/s')], {
      from: new Date('2026-11-24T02:30:00Z'),
      count: 4,
    })
    expect(fires.find(({ id }) => id === 'u/s')?.note).toBe('t/s usually still runs then')
  })
})
