import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeHealth, planNotices, type TaskHealth } from '../../src/model/notification.ts'
import type { NotifyRule } from '../../src/model/notify-settings.ts'
import type { RunStatus } from '../../src/model/result.ts'

const well: TaskHealth = { failingSince: null, missed: false }
const ill: TaskHealth = { failingSince: 'R0', missed: false }
const ended = (status: RunStatus, more: { stoppedBy?: string; dryRun?: boolean; trigger?: 'sequence' } = {}) => ({
  id: 'R1',
  status,
  stoppedBy: more.stoppedBy ?? null,
  dryRun: more.dryRun ?? false,
  trigger: more.trigger ?? ('manual' as const),
})

describe('what the end of a run means for its task', () => {
  it.each([
    ['a success', well, ended('success'), ['success'], null],
    ['a warning', well, ended('warning'), ['warning'], null],
    ['an error of a well task', well, ended('error'), ['error'], 'R1'],
    ['a guard', well, ended('error', { stoppedBy: 'guard' }), ['guard'], 'R1'],
    ['a crash', well, ended('terminated', { stoppedBy: 'crash' }), ['error'], 'R1'],
    ['a timeout', well, ended('terminated', { stoppedBy: 'timeout' }), ['error'], 'R1'],
    ['another error', ill, ended('error'), ['still-failing'], 'R0'],
    ['a guard after an error', ill, ended('error', { stoppedBy: 'guard' }), ['still-failing'], 'R0'],
    ['a success after it', ill, ended('success'), ['recovered', 'success'], null],
    ['a warning after it', ill, ended('warning'), ['recovered', 'warning'], null],
    ['a run that a person stopped', ill, ended('terminated', { stoppedBy: 'SIGINT' }), [], 'R0'],
    ['a dry run', well, ended('error', { dryRun: true }), [], null],
    ['a step of a sequence', well, ended('error', { trigger: 'sequence' }), [], null],
    ['a skipped run', well, ended('skipped'), [], null],
  ] as const)('%s', (_, before, run, events, failingSince) => {
    const judged = judgeHealth(run, false, before)
    expect(judged.events).toEqual(events)
    expect(judged.after.failingSince).toBe(failingSince)
  })

  it('a missed fire speaks once until the task runs again', () => {
    const first = judgeHealth(ended('missed'), false, well)
    const second = judgeHealth(ended('missed'), false, first.after)
    const third = judgeHealth(ended('missed'), false, judgeHealth(ended('success'), false, second.after).after)
    expect([first.events, second.events, third.events]).toEqual([['missed'], [], ['missed']])
  })

  it('changes are told where there were any', () => {
    expect(judgeHealth(ended('success'), true, well).events).toEqual(['success', 'changed'])
  })

  it('whatever happens: error or guard and recovered take turns, still-failing only between them', () => {
    const run = fc.constantFrom(
      ended('success'),
      ended('warning'),
      ended('error'),
      ended('error', { stoppedBy: 'guard' }),
      ended('terminated', { stoppedBy: 'crash' }),
      ended('terminated', { stoppedBy: 'stop' }),
      ended('skipped'),
      ended('missed'),
    )
    fc.assert(
      fc.property(fc.array(run, { maxLength: 40 }), (runs) => {
        let health = well
        let failing = false
        for (const one of runs) {
          const { events, after } = judgeHealth(one, false, health)
          if (events.includes('error') || events.includes('guard')) {
            expect(failing).toBe(false)
            failing = true
          }
          if (events.includes('still-failing')) expect(failing).toBe(true)
          if (events.includes('recovered')) {
            expect(failing).toBe(true)
            failing = false
          }
          health = after
          expect(health.failingSince !== null).toBe(failing)
        }
      }),
    )
  })
})

describe('who is told', () => {
  const rule = (on: NotifyRule['on'], channels: string[], more: Partial<NotifyRule> = {}): NotifyRule => ({
    on,
    channels,
    tasks: ['*'],
    ...more,
  })

  it('every channel of a rule that fits, once a run, of what tells most', () => {
    const rules = [rule(['success', 'recovered'], ['ops', 'chat']), rule(['success'], ['ops', 'log'])]
    expect(planNotices('a', ['recovered', 'success'], rules)).toEqual([
      { channel: 'ops', event: 'recovered', digest: undefined },
      { channel: 'chat', event: 'recovered', digest: undefined },
      { channel: 'log', event: 'success', digest: undefined },
    ])
  })

  it('at once, where one rule says so and another has a digest', () => {
    const rules = [rule(['error'], ['ops'], { digest: 'daily' }), rule(['error'], ['ops'])]
    expect(planNotices('a', ['error'], rules)).toEqual([{ channel: 'ops', event: 'error', digest: undefined }])
  })

  it.each([
    ['aggregation*', 'aggregation-hr', true],
    ['aggregation*', 'my-aggregation', false],
    ['a?c', 'abc', true],
    ['a.c', 'abc', false],
    ['*', 'anything', true],
  ])('tasks that fit the glob %s: %s %s', (glob, task, fits) => {
    expect(planNotices(task, ['error'], [rule(['error'], ['x'], { tasks: [glob] })])).toHaveLength(fits ? 1 : 0)
  })
})
