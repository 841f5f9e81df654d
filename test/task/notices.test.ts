import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import { isoText } from '../../src/base/clock.ts'
import type { RunStatus } from '../../src/model/result.ts'
import { DeliveryError } from '../../src/notify/notifier.ts'
import { nextAttempt } from '../../src/task/delivery.ts'
import { nextDigest } from '../../src/task/notices.ts'
import { handClock } from '../helpers/clock.ts'
import { endedRun } from '../helpers/ended-run.ts'
import { aggregate, notified } from '../helpers/notified.ts'
import { write } from '../helpers/project.ts'

const open = (rule: string) =>
  openApp({ cwd: notified('{ type: file, folder: out }', rule), env: {}, clock: handClock() })

const end = (app: App, status: RunStatus, stoppedBy?: string): number =>
  endedRun(app.store().runs, app.clock.now(), status, stoppedBy)

describe('messages of a run', () => {
  it('are there if and only if its end is: one transaction', async () => {
    const app = await open('{ on: [error], channels: [peer] }')
    const { db, runs, outbox } = app.store()
    let number = 0
    expect(() =>
      db.write(() => {
        number = end(app, 'error')
        expect(outbox.list({}).total).toBe(1)
        throw new Error('the power went')
      }),
    ).toThrow('the power went')
    expect([runs.get(number), outbox.list({}).total, outbox.healthOf('aggregation').failingSince]).toEqual([
      undefined,
      0,
      null,
    ])
    db.write(() => end(app, 'error'))
    expect(outbox.list({}).total).toBe(1)
    await app.close()
  })

  it('tell of a fire that was missed, once until the task runs again, and of a run whose process died', async () => {
    const app = await open('{ on: [missed, error, recovered], channels: [peer] }')
    const { db, outbox } = app.store()
    for (const [status, stoppedBy] of [
      ['missed'],
      ['missed'],
      ['terminated', 'crash'],
      ['success'],
      ['missed'],
    ] as const)
      db.write(() => end(app, status, stoppedBy))
    expect(
      outbox
        .list({})
        .items.map((row) => row.event)
        .reverse(),
    ).toEqual(['missed', 'error', 'recovered', 'missed'])
    await app.close()
  })

  it('are sent by one of two processes that look at the same time', async () => {
    const app = await open('{ on: [error], channels: [peer] }')
    const { db, outbox } = app.store()
    db.write(() => end(app, 'error'))
    const now = isoText(app.clock.now())
    const later = isoText(new Date(app.clock.now().getTime() + 120_000))
    expect(outbox.claim(now, later)?.attempts).toBe(1)
    expect(outbox.claim(now, later)).toBeUndefined()
    // the process that had it died: another takes it over
    expect(outbox.claim(later, later)?.attempts).toBe(2)
    await app.close()
  })
})

it("a task's own rules are added to those of the project", async () => {
  const cwd = notified('{ type: file, folder: out }', '{ on: [error], channels: [peer] }')
  const told = async () => (await aggregate(cwd)).notices.map(({ event }) => event)
  expect(await told()).toEqual([])
  write(cwd, {
    'tasks/aggregation.yaml':
      'kind: TaskDefinition\nname: aggregation\nexecutor: account-aggregation\narguments: { applications: ["*"] }\nnotify: { rules: [{ on: [warning], channels: [peer] }] }\n',
  })
  expect(await told()).toEqual(['warning'])
  rmSync(join(cwd, 'hr.csv'))
  expect(await told()).toEqual(['error'])
})

describe('the next attempt', () => {
  const created = '2036-01-01T00:00:00.000Z'
  const at = (attempts: number, random: number, failure: unknown = new Error('x')) =>
    Date.parse(String(nextAttempt({ attempts, createdAt: created }, failure, new Date(created), () => random))) -
    Date.parse(created)

  it('waits half a minute, then ever longer, at most six hours; jittered, so that not all come at once', () => {
    expect([1, 2, 3, 40].map((attempts) => at(attempts, 0))).toEqual([30_000, 60_000, 120_000, 21_600_000])
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempts, random) => {
          const [full, jittered] = [at(attempts, 0), at(attempts, random)]
          expect(jittered).toBeLessThanOrEqual(full)
          expect(jittered).toBeGreaterThanOrEqual(full / 2)
        },
      ),
    )
  })

  it('is not before Retry-After, but never more than a day away', () => {
    const asked = (retryAfterMs: number) => new DeliveryError('x', { temporary: true, retryAfterMs })
    expect(at(1, 0, asked(1_000))).toBe(30_000)
    expect(at(1, 0, asked(3_600_000))).toBe(3_600_000)
    expect(at(1, 0, asked(10 ** 12))).toBe(86_400_000)
  })

  it('is none after a week', () => {
    const now = new Date(Date.parse(created) + 7 * 86_400_000 + 1)
    expect(nextAttempt({ attempts: 9, createdAt: created }, new Error('x'), now, () => 0)).toBeNull()
  })
})

it.each([
  ['2026-11-24T20:10:00.000Z', 'hourly', 'UTC', '2026-11-24T21:00:00.000Z'],
  ['2026-11-24T20:10:00.000Z', 'daily', 'UTC', '2026-11-25T00:00:00.000Z'],
  ['2026-11-24T20:10:00.000Z', 'daily', 'Europe/Berlin', '2026-11-24T23:00:00.000Z'],
  ['2026-11-24T20:10:00.000Z', 'daily', 'Asia/Kathmandu', '2026-11-25T18:15:00.000Z'],
  ['2026-10-24T22:30:00.000Z', 'daily', 'Europe/Berlin', '2026-10-25T23:00:00.000Z'],
] as const)('a digest of %s, %s in %s, is due at %s', (now, digest, zone, due) => {
  expect(nextDigest(new Date(now), digest, zone).toISOString()).toBe(due)
})
