import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileMerge } from '../../src/model/merge-rows.ts'
import type { RawValue } from '../../src/model/value.ts'
import { attribute } from '../helpers/attribute.ts'

const columns = ['id', 'city', 'level', 'born', 'groups', 'right', 'note']
const merge = (ignoreCase: boolean, rows: readonly (readonly RawValue[])[]) =>
  compileMerge(
    {
      ignoreCase,
      account: {
        nativeIdentity: ['id'],
        use: 'personal',
        times: {},
        attributes: [
          attribute('level', { type: 'number' }),
          attribute('born', { type: 'date', format: 'dd.MM.yyyy' }),
          attribute('groups', { multiple: true, split: '|' }),
          attribute('right', { entitlement: true }),
          attribute('note', { ignore: true }),
        ],
      },
    },
    columns,
  )(rows.map((values, index) => ({ place: index + 2, values })))

describe('rows of one account', () => {
  it.each<[string, RawValue[][], RawValue[] | string]>([
    ['one row is itself', [['a', 'Oslo', '1', '', 'g|h', 'R', 'n']], ['a', 'Oslo', '1', '', 'g|h', 'R', 'n']],
    [
      'lists and entitlements are united',
      [
        ['a', '', '', '', 'g|h', 'R1', ''],
        ['a', '', '', '', 'h|i', 'R2', ''],
      ],
      ['a', undefined, undefined, undefined, ['g', 'h', 'i'], ['R1', 'R2'], undefined],
    ],
    [
      'a list of a format with lists is united too',
      [
        ['a', undefined, undefined, undefined, ['g', 'h|x'], 'R1', undefined],
        ['a', undefined, undefined, undefined, undefined, ['R1', 'R2'], undefined],
      ],
      ['a', undefined, undefined, undefined, ['g', 'h|x'], ['R1', 'R2'], undefined],
    ],
    [
      'what is absent does not contradict, in any order',
      [
        ['a', '', '', '01.02.2020', '', '', ''],
        ['a', 'Oslo', '', '', '', '', ''],
        ['a', '', '7', '', '', '', ''],
      ],
      ['a', 'Oslo', '7', '01.02.2020', undefined, undefined, undefined],
    ],
    [
      'equal numbers may be written differently',
      [
        ['a', '', '1', '', '', '', ''],
        ['a', '', '1.0', '', '', '', ''],
      ],
      ['a', undefined, '1', undefined, undefined, undefined, undefined],
    ],
    [
      'digits with leading zeros are names, not amounts',
      [
        ['a', '', '07', '', '', '', ''],
        ['a', '', '7', '', '', '', ''],
      ],
      'level: 07 in 2, 7 in 3',
    ],
    [
      'the first contradiction is told with both rows',
      [
        ['a', '', '', '', '', '', ''],
        ['a', 'Oslo', '', '', '', '', ''],
        ['a', 'Rome', '', '', '', '', ''],
      ],
      'city: Oslo in 3, Rome in 4',
    ],
    [
      'what is ignored may differ, and is absent then',
      [
        ['a', '', '', '', '', '', 'x'],
        ['a', '', '', '', '', '', 'y'],
      ],
      ['a', undefined, undefined, undefined, undefined, undefined, undefined],
    ],
  ])('%s', (_, rows, expected) => {
    const done = merge(false, rows)
    if (typeof expected !== 'string') expect(done).toEqual({ values: expected })
    else if ('values' in done) expect.fail(`merged: ${JSON.stringify(done)}`)
    else
      expect(
        `${done.column}: ${done.rows.map((row, index) => `${done.texts[index]} in ${row.place}`).join(', ')}`,
      ).toBe(expected)
  })

  it('spelt differently are the first one where case is ignored, else they would not be one account', () => {
    const rows = [
      ['Ada', '', '', '', '', '', ''],
      ['ADA', '', '', '', '', '', ''],
    ]
    expect(merge(true, rows)).toHaveProperty('values.0', 'Ada')
    expect(merge(false, rows)).toMatchObject({ column: 'id' })
  })

  it('come to the same in any order', () => {
    const cell = fc.constantFrom('', '1', '2')
    const row = fc.tuple(cell, cell, fc.constant(''), fc.constantFrom('', 'g', 'g|h'), cell, cell)
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), fc.nat(5), (given, turn) => {
        const rows = given.map((cells) => ['a', ...cells])
        const turned = [...rows.slice(turn % rows.length), ...rows.slice(0, turn % rows.length)]
        const sorted = (done: ReturnType<typeof merge>): unknown =>
          'values' in done
            ? done.values.map((value) => (Array.isArray(value) ? [...value].sort() : value === '' ? undefined : value))
            : done.column
        const [one, other] = [sorted(merge(false, rows)), sorted(merge(false, turned))]
        if (rows.length > 1) expect(other).toEqual(one)
      }),
    )
  })
})
