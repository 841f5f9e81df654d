import { describe, expect, it } from 'vitest'
import { parseDuration, renderDuration } from '../../src/base/duration.ts'
import { UserError } from '../../src/base/errors.ts'
import { newId } from '../../src/base/id.ts'
import { canonicalJson } from '../../src/base/json.ts'
import { didYouMean, nearest } from '../../src/base/nearest.ts'
import { grouped } from '../../src/base/plural.ts'
import { createRedactor } from '../../src/base/redact.ts'
import { createRegistry } from '../../src/base/registry.ts'

describe('ids', () => {
  it('sort by time and have 26 characters', () => {
    const early = newId(new Date(1_000))
    const late = newId(new Date(2_000))
    expect(early).toHaveLength(26)
    expect(early < late).toBe(true)
  })
})

describe('canonical JSON', () => {
  it('is the same text whatever the order of the keys, and leaves undefined out', () => {
    expect(canonicalJson({ b: [1, { z: null, y: 'x' }], a: undefined })).toBe('{"b":[1,{"y":"x","z":null}]}')
    expect(canonicalJson({ a: 1, b: 2 })).toBe(canonicalJson({ b: 2, a: 1 }))
  })
})

describe('near names', () => {
  it('finds a swap, a missing letter and a beginning', () => {
    expect(nearest('hr-agregation', ['hr-aggregation', 'prune'])).toEqual(['hr-aggregation'])
    expect(nearest('aggergation', ['aggregation'])).toEqual(['aggregation'])
    expect(nearest('agg', ['aggregation'])).toEqual(['aggregation'])
  })
  it('suggests nothing far away', () => {
    expect(didYouMean('payroll', ['aggregation'])).toBeUndefined()
  })
})

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['14d', 1_209_600_000],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms))
  it.each(['', '5', 'x', '5 m', '-1h'])('refuses "%s"', (text) => expect(parseDuration(text)).toBeUndefined())
  it('renders for people', () => {
    expect(renderDuration(14_230)).toBe('14.2 s')
    expect(renderDuration(185_000)).toBe('3 min 5 s')
  })
})

describe('redaction', () => {
  it('removes a secret in every spelling', () => {
    const redactor = createRedactor()
    redactor.add('p@ss"word')
    const base64 = Buffer.from('p@ss"word').toString('base64')
    for (const text of ['p@ss"word', 'p%40ss%22word', 'p@ss\\"word', base64]) {
      expect(redactor.redact(`a ${text} b`)).toBe('a [secret] b')
    }
  })
})

describe('a registry', () => {
  const registry = createRegistry('task', 'IQ1004', [{ name: 'aggregation' }])
  it('names the nearest when a name is unknown', () => {
    expect(() => registry.get('agregation')).toThrow(UserError)
    try {
      registry.get('agregation')
    } catch (error) {
      expect(error).toMatchObject({ code: 'IQ1004', hint: 'did you mean aggregation?' })
    }
  })
  it('refuses two of one name', () => {
    expect(() => createRegistry('task', 'IQ1004', [{ name: 'a' }, { name: 'a' }])).toThrow(/two tasks/)
  })
})

it('numbers are read in groups of three digits', () => {
  expect([0, 999, 1000, 48_150, 1_000_000, -1234, 1234.5678].map(grouped)).toEqual([
    '0',
    '999',
    '1,000',
    '48,150',
    '1,000,000',
    '-1,234',
    '1,234.5678',
  ])
})
