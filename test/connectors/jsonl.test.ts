import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { jsonl } from '../../src/connectors/jsonl.ts'
import { connectorContract, type Read, readAll } from '../contract/connector.ts'
import { project } from '../helpers/project.ts'

connectorContract(jsonl, async (rows) => {
  const lines = Array.from({ length: rows }, (_, i) => JSON.stringify({ id: `r${i + 1}`, name: 'x' }))
  const folder = project({ 'a.jsonl': `${lines.join('\n')}\n` })
  return { settings: { file: 'a.jsonl' }, folder, close: async () => rmSync(folder, { recursive: true, force: true }) }
})

const read = (content: string | Buffer): Promise<Read> =>
  readAll(jsonl, { file: 'a' }, { folder: project({ a: content }) })

describe('JSON Lines', () => {
  it('keeps integers beyond 2^53 as the digits that were written, in lists and members too', async () => {
    const { columns, records } = await read(
      '{"id":9007199254740993,"n":{"x":12345678901234567890},"l":[9007199254740995,1],"ok":9007199254740991}',
    )
    expect(columns).toEqual(['id', 'n.x', 'l', 'ok'])
    expect(records[0]?.values).toEqual([
      '9007199254740993',
      '12345678901234567890',
      ['9007199254740995', '1'],
      9007199254740991,
    ])
  })

  it('takes null, empty text and empty lists for absent, and lets columns grow', async () => {
    const { columns, records } = await read('{"id":1,"a":null,"b":[],"c":""}\n\n{"id":2,"a":true}')
    expect(columns).toEqual(['id', 'a'])
    expect(records.map((r) => [r.line, r.values])).toEqual([
      [1, [1]],
      [3, [2, true]],
    ])
  })

  it('rejects what is no object, a trailing comma and a list of objects, each with its line', async () => {
    const { records, rejects } = await read('{"id":1,}\n[1]\n{"id":3,"g":[{"x":1}]}\n{"id":4}\nnull\n{"id":6')
    expect(records).toHaveLength(1)
    expect(rejects.map((r) => [r.line, r.code])).toEqual([
      [1, 'IQ2107'],
      [2, 'IQ2107'],
      [3, 'IQ2107'],
      [5, 'IQ2107'],
      [6, 'IQ2107'],
    ])
  })

  it('treats __proto__ as a name like any other', async () => {
    const { columns, records } = await read('{"id":"a","__proto__":{"polluted":"yes"},"constructor":"c"}')
    expect(columns).toEqual(['id', '__proto__.polluted', 'constructor'])
    expect(records[0]?.values).toEqual(['a', 'yes', 'c'])
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
  })
})
