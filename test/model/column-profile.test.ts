import { describe, expect, it } from 'vitest'
import { type ColumnFacts, profileColumn } from '../../src/model/column-profile.ts'
import type { RawValue } from '../../src/model/value.ts'

function facts(values: readonly RawValue[], name = 'c'): ColumnFacts {
  const profile = profileColumn(name)
  for (const value of values) profile.add(value)
  return profile.facts(values.length)
}
const days = (format: (day: number) => string): string[] => Array.from({ length: 28 }, (_, i) => format(i + 1))
const two = (n: number): string => String(n).padStart(2, '0')

describe('what a column holds', () => {
  it('counts what is filled and what comes again', () => {
    expect(facts(['a', 'b', '', undefined, 'a'])).toMatchObject({ rows: 5, filled: 3, repeats: 1 })
    expect(facts(['a', 'b']).values).toEqual([
      ['a', 1],
      ['b', 1],
    ])
  })

  it('gives up counting repeats where there are many', () => {
    expect(facts(Array.from({ length: 2_000 }, (_, i) => `v${i % 5}`)).repeats).toBeUndefined()
  })

  it.each([
    [['true', 'false', 'true'], { boolean: true, digits: false }],
    [['1', '0', '1'], { boolean: true, digits: true }],
    [['1', '2'], { boolean: false, digits: true, leadingZeros: false }],
    [['007', '12'], { digits: true, leadingZeros: true }],
    [['12345678901234567890'], { leadingZeros: true }],
    [['1bfb5443-7f93-35b7-ff34-0a1cb1cda2c4'], { uuid: true }],
    [['1bfb5443-7f93-35b7-ff34-0a1cb1cda2c4', 'x'], { uuid: false }],
  ])('%j is %o', (values, expected) => {
    expect(facts(values)).toMatchObject(expected)
  })

  it.each([
    ['ISO', days((d) => `2026-01-${two(d)}`), ['ISO']],
    ['days first', days((d) => `${two(d)}.01.2026`), ['dd.MM.yyyy']],
    ['slashes that tell', days((d) => `${two(d)}/01/2026`), ['dd/MM/yyyy']],
    ['no dates', ['a', 'b', 'c', 'd', 'e'], []],
  ])('dates: %s', (_, values, formats) => {
    expect(facts(values).dates).toEqual(formats)
  })

  it('does not choose where the dates do not tell day and month apart', () => {
    expect(facts(['01/02/2026', '03/04/2026']).dates.slice().sort()).toEqual(['MM/dd/yyyy', 'dd/MM/yyyy'])
  })

  it('lets a few wrong dates pass, and counts them', () => {
    const values = [...Array.from({ length: 200 }, (_, i) => `2026-01-${two((i % 28) + 1)}`), '31.13.2026']
    expect(facts(values)).toMatchObject({ dates: ['ISO'], undated: 1 })
  })

  it('finds lists by tokens that come again, and takes no text for one', () => {
    const groups = Array.from({ length: 50 }, (_, i) => `g${i % 4}|g${i % 3}`)
    expect(facts(groups).list).toMatchObject({ separator: '|', share: 1 })
    expect(facts(Array.from({ length: 50 }, (_, i) => `Name ${i}, Town ${i}`)).list).toBeUndefined()
    expect(facts([['a', 'b'], ['a']]).list).toMatchObject({ separator: undefined })
  })
})
