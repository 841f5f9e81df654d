import { createHash } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { ReadOptions, RecordBatch, SourceRecord } from '../../src/connectors/connector.ts'
import { delimited, delimitedSettings } from '../../src/connectors/delimited/delimited.ts'
import { addSeen, createSeenSlots, type SeenSlots } from '../../src/model/seen-records.ts'
import { write } from '../helpers/files.ts'
import { project } from '../helpers/project.ts'

/** The records of an earlier read, by their hashes. */
function recordsSeen(macs: readonly Buffer[]): SeenSlots {
  const seen = createSeenSlots(createHash('sha256').update('key').digest(), macs.length)
  addSeen(seen, Int32Array.from(macs.flatMap((mac) => [mac.readInt32LE(0), mac.readInt32LE(4)])))
  return seen
}

async function read(content: string | Buffer, options: ReadOptions = {}, settings: Record<string, unknown> = {}) {
  const folder = project()
  write(folder, { 'a.csv': content })
  const connection = await delimited.open({
    settings: delimitedSettings.parse({ file: join(folder, 'a.csv'), ...settings }),
    folder,
    clock: systemClock,
    signal: new AbortController().signal,
  })
  const reading = await connection.accounts(options)
  const batches: RecordBatch[] = []
  for await (const batch of reading.batches()) batches.push(batch)
  const plain = ({ line, values }: SourceRecord) => ({ line, values })
  return {
    records: batches.flatMap((batch) => batch.records),
    plain: batches.flatMap((batch) => batch.records).map(plain),
    rejects: batches.flatMap((batch) => batch.rejects).map(({ line, code, reason }) => ({ line, code, reason })),
    seen: batches.reduce((sum, batch) => sum + (batch.seen ?? 0), 0),
    evidence: reading.evidence(),
  }
}

const macsOf = (records: readonly SourceRecord[]): Buffer[] =>
  records.flatMap(({ mac }) => (mac === undefined ? [] : [mac]))

const cell = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'x y',
    '"q"',
    '"a,b"',
    '"l1\nl2"',
    '"l1\r\nl2"',
    '"say ""hi"""',
    '5" disk',
    '""x',
    '"t"ail',
    'Ærø',
    '"',
    '"open',
  ),
  fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'é', '😀'), maxLength: 8 }),
)
const line = fc.array(cell, { minLength: 1, maxLength: 3 }).map((cells) => cells.join(','))
const file = fc
  .record({
    lines: fc.array(fc.oneof(line, line, fc.constant('')), { maxLength: 12 }),
    end: fc.constantFrom('\n', '\r\n'),
    last: fc.boolean(),
  })
  .map(({ lines, end, last }) => `a,b${end}${lines.join(end)}${last ? end : ''}`)

describe('records that were seen before', () => {
  it('are found by their bytes where the text has them: any file reads the same with and without the comparison', async () => {
    await fc.assert(
      fc.asyncProperty(file, async (content) => {
        const whole = await read(content)
        const first = await read(content, { seen: recordsSeen([]) })
        expect({ ...first, records: 0 }).toEqual({ ...whole, records: 0 })
        expect(macsOf(first.records).length).toBeGreaterThanOrEqual(first.records.length - 1)
        const again = await read(content, { seen: recordsSeen(macsOf(first.records)) })
        expect(again.seen + again.records.length).toBe(whole.records.length)
        expect(again.rejects).toEqual(whole.rejects)
        expect(again.evidence).toEqual(whole.evidence)
      }),
      { numRuns: 300 },
    )
  })

  it('are left out, the others keep their lines', async () => {
    const content = 'id,note\n1,"two\nlines"\n\n2,x\n3,y\n'
    const first = await read(content, { seen: recordsSeen([]) })
    const seen = recordsSeen(macsOf(first.records))
    const again = await read(content.replace('2,x', '2,z').concat('4,w\n'), { seen })
    expect(again.plain).toEqual([
      { line: 5, values: ['2', 'z'] },
      { line: 7, values: ['4', 'w'] },
    ])
    expect(again.seen).toBe(2)
  })

  it('are none under another header, separator or key', async () => {
    const first = await read('id,note\n1,x\n', { seen: recordsSeen([]) })
    const macs = macsOf(first.records)
    expect((await read('id,note\n1,x\n', { seen: recordsSeen(macs) })).seen).toBe(1)
    expect((await read('note,id\n1,x\n', { seen: recordsSeen(macs) })).seen).toBe(0)
    expect((await read('id,note\n1,x\n', { seen: recordsSeen(macs) }, { separator: ';' })).seen).toBe(0)
    const other = { ...recordsSeen(macs), key: Buffer.alloc(32) }
    expect((await read('id,note\n1,x\n', { seen: other })).seen).toBe(0)
  })

  it('are compared in single-byte encodings, and not where bytes do not tell records', async () => {
    for (const [content, settings, hits] of [
      [Buffer.from('id,note\n1,\xe9\n', 'latin1'), { encoding: 'latin1' }, 1],
      [Buffer.from('\ufeffid,note\n1,x\n', 'utf16le'), {}, 0],
      ['id,note\r1,x\r', {}, 0],
      ['id¦note\n1¦x\n', { separator: '¦' }, 0],
    ] as const) {
      const first = await read(content, { seen: recordsSeen([]) }, settings)
      expect(first.records).toHaveLength(1)
      expect((await read(content, { seen: recordsSeen(macsOf(first.records)) }, settings)).seen).toBe(hits)
    }
  })
})
