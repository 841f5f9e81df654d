import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { convert, keptText, toDate } from '../../src/model/convert.ts'
import { evenOut, glob, normalize } from '../../src/model/normalize.ts'
import type { RawValue } from '../../src/model/value.ts'

const value = (raw: RawValue, type: 'string' | 'number' | 'boolean' | 'date', format?: string): unknown => {
  const done = convert('x', raw, type, format)
  return 'value' in done ? done.value : done.code
}

describe('a value', () => {
  it.each([
    ['42', 42],
    ['-1.5', -1.5],
    ['1e3', 1000],
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', '9007199254740993'],
    ['00482', '00482'],
    ['0.5', 0.5],
    ['', undefined],
    ['12a', 'IQ2104'],
    ['0x10', 'IQ2104'],
    ['NaN', 'IQ2104'],
  ])('that is to be a number: %s', (text, expected) => {
    expect(value(text, 'number')).toBe(expected)
  })

  it.each([
    ['true', true],
    ['YES', true],
    ['1', true],
    [' f ', false],
    ['no', false],
    ['0', false],
    ['maybe', 'IQ2104'],
  ])('that is to be a boolean: %s', (text, expected) => {
    expect(value(text, 'boolean')).toBe(expected)
  })

  it.each([
    ['2026-11-24', undefined, '2026-11-24'],
    ['2024-02-29', undefined, '2024-02-29'],
    ['2023-02-29', undefined, undefined],
    ['2026-13-01', undefined, undefined],
    ['2026-11-24T08:30:00Z', undefined, '2026-11-24T08:30:00.000Z'],
    ['2026-11-24 08:30', undefined, '2026-11-24T08:30:00.000Z'],
    ['2026-11-24T08:30:00+02:00', undefined, '2026-11-24T06:30:00.000Z'],
    ['2026-11-24T25:00:00Z', undefined, undefined],
    ['24/11/2026', 'dd/MM/yyyy', '2026-11-24'],
    ['31.02.2026', 'dd.MM.yyyy', undefined],
    ['24.11.2026 08:30', 'dd.MM.yyyy HH:mm', '2026-11-24T08:30:00.000Z'],
    ['24.11.2026x', 'dd.MM.yyyy', undefined],
    ['4.11.2026', 'dd.MM.yyyy', undefined],
  ])('that is to be a date: %s as %s', (text, format, expected) => {
    expect(toDate(text, format)).toBe(expected)
  })

  it('that is text is NFC; NUL and half a character pair are refused', () => {
    expect(keptText('e\u0301')).toBe('\u00e9')
    expect(keptText('a\0b')).toBeUndefined()
    expect(keptText('\ud800')).toBeUndefined()
    expect(value('a\0', 'string')).toBe('IQ2106')
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        (text) => text.includes('\0') || keptText(text) === text.normalize('NFC'),
      ),
    )
  })

  it('that is a valid day comes back from its own text', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const day = date.toISOString().slice(0, 10)
          expect(toDate(day, undefined)).toBe(day)
          const [year = '', month = '', dayOfMonth = ''] = day.split('-')
          expect(toDate(`${dayOfMonth}/${month}/${year}`, 'dd/MM/yyyy')).toBe(day)
        },
      ),
    )
  })
})

describe('evening out', () => {
  const rule = { normalize: ['leadingZeros'] as const, ignoreCase: true, ignoreValues: ['N/A', '0', '000000'] }

  it('makes equal what means the same, and nothing of what means nothing', () => {
    expect(evenOut(rule, '00482')).toBe(evenOut(rule, '482'))
    expect(evenOut(rule, ' Ada@X ')).toBe('ada@x')
    for (const nothing of ['', '  ', 'N/A', '0', '000000']) expect(evenOut(rule, nothing)).toBeUndefined()
    expect(normalize('  a   b ', ['trim', 'collapse', 'upper'])).toBe('A B')
  })

  it('twice is the same as once', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const once = evenOut(rule, text)
        return once === undefined || rule.ignoreValues.includes(once) || evenOut(rule, once) === once
      }),
    )
  })
})

describe('a glob', () => {
  it.each([
    ['svc-*', 'svc-backup', true],
    ['svc-*', 'xsvc-backup', false],
    ['*', '', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*a*b*', 'xxaxxbxx', true],
    ['a.c', 'abc', false],
  ])('%s on %s is %s', (pattern, text, expected) => {
    expect(glob(pattern)(text)).toBe(expected)
  })

  it('takes linear time on what makes others slow', () => {
    expect(glob(`${'a*'.repeat(50)}b`)('a'.repeat(2000))).toBe(false)
  })
})
