import { describe, expect, it } from 'vitest'
import { diffFailures, type FailedItem, median, trendsOf } from '../../src/model/result-compare.ts'

const item = (native: string | undefined, code: FailedItem['code'] = 'IQ2104', line = 1): FailedItem => ({
  application: 'hr',
  code,
  reason: 'r',
  file: 'f',
  line,
  native,
})

describe('two lists of failures', () => {
  it('are compared by account and cause, wherever the rows stand now', () => {
    const { new: fresh, gone, standing } = diffFailures([item('a'), item('b')], [item('b', 'IQ2104', 7), item('c')])
    expect([fresh, gone, standing].map((list) => list.map((one) => one.native))).toEqual([['c'], ['a'], ['b']])
  })

  it('are compared by place where no account is known', () => {
    expect(diffFailures([item(undefined, 'IQ2103', 3)], [item(undefined, 'IQ2103', 4)])).toMatchObject({
      new: [{ line: 4 }],
      gone: [{ line: 3 }],
    })
  })
})

describe('trends', () => {
  it.each([
    [[], undefined],
    [[3], 3],
    [[1, 9], 1],
    [[9, 1, 5], 5],
  ])('the median of %j is %s', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  it('tell the last, the one before and the usual', () => {
    const runs = [4, 2, 3].map((read) => ({ counts: { read }, durationMs: read * 10 }))
    expect(trendsOf(runs)).toEqual([
      { name: 'durationMs', last: 40, before: 20, median: 30 },
      { name: 'read', last: 4, before: 2, median: 3 },
    ])
    expect(trendsOf([])).toEqual([])
  })
})
