import { describe, expect, it } from 'vitest'
import { parseCron, renderCron } from '../../src/model/cron-fields.ts'
import { parseEvery } from '../../src/model/every.ts'
import { convertQuartz } from '../../src/model/quartz.ts'
import { neverFires, parsePattern } from '../../src/model/schedule.ts'

const never = (text: string, kind: 'cron' | 'quartz' = 'cron', more = {}) =>
  neverFires({ pattern: parsePattern({ kind, text }), exclude: [], ...more })

describe('a crontab pattern', () => {
  it.each([
    ['30 2 * * 1-5', '30 2 * * 1-5'],
    ['30 2 * * MON-fri', '30 2 * * 1-5'],
    ['*/10 0-23/2 1,15 jan,7 7', '*/10 0-23/2 1,15 1,7 0'],
    ['@daily', '0 0 * * *'],
    ['0\t0  1 1 *', '0 0 1 1 *'],
  ])('%s is written as %s', (given, expected) => {
    expect(renderCron(parseCron(given))).toBe(expected)
  })

  it.each([
    ['5/2 * * * *', 'write 5-59/2'],
    ['0 22-2 * * *', 'write 22-23,0-2'],
    ['0 2 * * 5#2', 'quartz'],
    ['0 2 L * *', 'quartz'],
    ['60 * * * *', 'for example'],
    ['0 24 * * *', 'for example'],
    ['0 0 0 * *', 'for example'],
    ['0 2 * *', 'for example'],
    ['0 30 2 ? * MON', 'quartz'],
    ['@reboot', 'for example'],
    ['0 2 * * % echo', 'for example'],
    ['*/0 * * * *', 'for example'],
    ['0 2 * * 1\n* * * * * touch x', 'for example'],
    ['٣ 2 * * *', 'a number'],
  ])('%j is refused, with the mend: %s', (given, hint) => {
    expect(() => parseCron(given)).toThrow(
      expect.objectContaining({ code: 'IQ5001', hint: expect.stringContaining(hint) }),
    )
  })

  it('that no day fits is found, whatever the reason', () => {
    expect(never('0 2 31 2 *')).toBe(true)
    expect(never('0 2 29 2 *')).toBe(false)
    expect(never('0 2 31 2 1')).toBe(false)
    expect(never('0 0 2 31W 2 ?', 'quartz')).toBe(true)
    expect(never('0 0 2 ? * MON 1999', 'quartz')).toBe(true)
    expect(never('0 2 25 12 *', 'cron', { from: '2026-12-01', until: '2026-12-24' })).toBe(true)
    expect(
      never('0 2 * * *', 'cron', { from: '2026-12-24', until: '2026-12-25', exclude: ['2026-12-24', '2026-12-25'] }),
    ).toBe(true)
  })
})

describe('a Quartz pattern', () => {
  it.each([
    ['0 30 2 ? * MON-FRI', '30 2 * * 1-5', 'exact'],
    ['0 0 2 ? * 2-6', '0 2 * * 1-5', 'exact'],
    ['0 0/15 * * * ?', '0-59/15 * * * *', 'exact'],
    ['0 5/20 * * * ?', '5-59/20 * * * *', 'exact'],
    ['0 0 22-2 * * ?', '0 0-2,22,23 * * *', 'exact'],
    ['0 0 2 ? * FRI-MON', '0 2 * * 0,1,5,6', 'exact'],
    ['0 0 2 1 NOV-FEB ?', '0 2 1 1,2,11,12 *', 'exact'],
    ['0 0 2 ? * L', '0 2 * * 6', 'exact'],
    ['0 0 2 ? * 7', '0 2 * * 6', 'exact'],
    ['0 0 2 * * ? *', '0 2 * * *', 'exact'],
    ['0 0 2 L * ?', '0 2 28-31 * *', 'gate'],
    ['0 0 2 L-3 * ?', '0 2 25-28 * *', 'gate'],
    ['0 0 2 LW * ?', '0 2 26-31 * *', 'gate'],
    ['0 0 2 15W * ?', '0 2 13-17 * *', 'gate'],
    ['0 0 2 ? * 6L', '0 2 22-31 * *', 'gate'],
    ['0 0 2 ? * 6#3', '0 2 15-21 * *', 'gate'],
    ['0 0 2 ? * MON 2027-2030', '0 2 * * 1', 'gate'],
    ['30 0 2 * * ?', '0 2 * * *', 'gate'],
  ])('%s is %s (%s)', (given, cron, kind) => {
    const done = convertQuartz(given)
    expect([renderCron(done.fields), done.kind]).toEqual([cron, kind])
    expect(done.reason).not.toBe('')
  })

  it.each([
    ['0/30 * * * * ?', 'several times a minute'],
    ['* * * * * ?', 'several times a minute'],
    ['0 0 2 1 * MON', 'both restricted'],
    ['0 30 2 * *', 'has 5 fields'],
    ['0 0 2 ? * 8', 'outside'],
    ['0 0 2 ? * 0', 'outside'],
    ['0 0 2 L-3W * ?', 'not known'],
    ['0 0 2 ? * MON 1e3', 'year'],
    ['0 0 2 * * ? %', '%'],
  ])('%s is refused: %s', (given, reason) => {
    expect(() => convertQuartz(given)).toThrow(reason)
  })
})

describe('words', () => {
  it.each([
    ['day at 02:30', '30 2 * * *'],
    ['weekday at 02:30', '30 2 * * 1-5'],
    ['hour at :15', '15 * * * *'],
    ['minute', '* * * * *'],
    ['mon, thursday at 6:05', '5 6 * * 1,4'],
    ['month on 15 at 22:00', '0 22 15 * *'],
    ['month on last-workday at 22:00', '0 22 26-31 * *'],
    ['month on first-monday at 22:00', '0 22 1-7 * *'],
    ['month on last-friday at 22:00', '0 22 22-31 * *'],
    ['quarter at 03:00', '0 3 1 1,4,7,10 *'],
    ['quarter on last-workday at 22:00', '0 22 26-31 3,6,9,12 *'],
    ['year on 03-31', '0 0 31 3 *'],
  ])('"every: %s" wakes up at %s', (given, expected) => {
    const every = parseEvery(given)
    expect(every.kind === 'calendar' && renderCron(every.fields)).toBe(expected)
  })

  it('may be an interval in whole minutes', () => {
    expect(parseEvery('90m')).toEqual({ kind: 'interval', minutes: 90 })
    expect(() => parseEvery('90s')).toThrow('whole minutes')
  })

  it.each([
    'fortnight',
    'day at 25:00',
    'day on 3',
    'month on fifth-monday',
    'mon,tuxday',
    'sunshine at 02:00',
    'day at 2:30 %',
  ])('"every: %s" is refused with examples', (given) => {
    expect(() => parseEvery(given)).toThrow(expect.objectContaining({ code: 'IQ5001' }))
  })
})
