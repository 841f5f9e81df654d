import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { delimited, delimitedSettings } from '../../src/connectors/delimited/delimited.ts'
import { isSameFile } from '../../src/connectors/files.ts'
import { jsonl } from '../../src/connectors/jsonl.ts'
import { type Read, readAll } from '../contract/connector.ts'
import { project, write } from '../helpers/project.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const rowsOf = (read: Read) =>
  read.records.map((record) => Object.fromEntries(read.columns.map((name, at) => [name, record.values[at]])))
const failure = async (work: Promise<unknown>): Promise<{ code: string; message: string }> =>
  work.then(
    () => ({ code: 'none', message: '' }),
    (error: { code: string; message: string }) => error,
  )

describe('one file', () => {
  const content = (end: string): string => `id,name\n${'1,Ada\n'.repeat(20_000)}${end}`
  const context = (folder: string) => ({
    settings: delimitedSettings.parse({ file: 'a.csv' }),
    folder,
    clock: systemClock,
    signal: new AbortController().signal,
  })

  it.each([
    ['as it was', content('2,Bo\n'), true],
    ['with another end', content('2,By\n'), false],
    ['longer', content('2,Bob\n'), false],
    ['with another beginning', content('2,Bo\n').replace('Ada', 'Ida'), false],
  ])('%s is told from what it was', async (_, now, same) => {
    const folder = project({ 'a.csv': content('2,Bo\n') })
    const { evidence } = await readAll(delimited, { file: 'a.csv' }, { folder })
    write(folder, { 'a.csv': now })
    expect(await isSameFile(context(folder), evidence)).toBe(same)
  })

  it('that begins in another way is not read to its end for that', async () => {
    const folder = project({ 'a.csv': content('') })
    const { evidence } = await readAll(delimited, { file: 'a.csv' }, { folder })
    expect(await isSameFile(context(folder), evidence)).toBe(true)
    expect(await isSameFile(context(folder), { ...evidence, beginning: sha256('other') })).toBe(false)
    // what was kept before there were beginnings
    expect(await isSameFile(context(folder), { ...evidence, beginning: undefined })).toBe(true)
  })
})

describe('several files by pattern', () => {
  it('are one source, in the order of their names, with columns by name and gzip where it is', async () => {
    const folder = project({
      'in/b.csv': 'name;id\nBo;2\n',
      'in/a.csv': 'id,name\n1,Ada\n',
      'in/c.csv': gzipSync('id,name\n3,Cy\n'),
      'in/c.txt': 'id,name\n4,Di\n',
    })
    const read = await readAll(delimited, { file: 'in/*.csv' }, { folder })
    expect(rowsOf(read)).toEqual([
      { id: '1', name: 'Ada' },
      { id: '2', name: 'Bo' },
      { id: '3', name: 'Cy' },
    ])
    expect(read.evidence.level).toBe('stable')
    const again = await readAll(delimited, { file: 'in/*.csv' }, { folder })
    expect(again.evidence.digest).toBe(read.evidence.digest)
    write(folder, { 'in/b.csv': 'name;id\nBob;2\n' })
    const other = await readAll(delimited, { file: 'in/*.csv' }, { folder })
    expect(other.evidence.digest).not.toBe(read.evidence.digest)
    expect(await (await open(folder)).test()).toMatch(/^3 files \(.*a\.csv, …\).*2 columns$/)
  })

  it('whose headers differ are refused, with both files and the columns', async () => {
    const folder = project({ 'a1.csv': 'id,name,mail\n1,Ada,a@x\n', 'a2.csv': 'id,name,phone\n2,Bo,5\n' })
    const { code, message } = await failure(readAll(delimited, { file: 'a*.csv' }, { folder }))
    expect(code).toBe('IQ2006')
    expect(message).toBe(
      `${join(folder, 'a2.csv')} has other columns than ${join(folder, 'a1.csv')}: it lacks mail and has phone besides`,
    )
  })

  it('of JSON lines may each have members of their own', async () => {
    const folder = project({ 'a1.jsonl': '{"id":1,"x":"a"}\n', 'a2.jsonl': '{"y":"b","id":2}\n{"id":3,"z":"c"}\n' })
    const read = await readAll(jsonl, { file: 'a?.jsonl' }, { folder })
    expect(rowsOf(read)).toEqual([
      { id: 1, x: 'a' },
      { id: 2, y: 'b' },
      { id: 3, z: 'c' },
    ])
  })

  it('that nothing fits are told, and a file whose name looks like a pattern is itself', async () => {
    const folder = project({ 'a[1].csv': 'id\n1\n' })
    expect((await readAll(delimited, { file: 'a[1].csv' }, { folder })).records).toHaveLength(1)
    expect(await failure(readAll(delimited, { file: 'b*.csv' }, { folder }))).toMatchObject({ code: 'IQ2001' })
  })

  it('stop at the limit, whichever file that falls into', async () => {
    const folder = project({ 'a1.csv': 'id\n1\n2\n', 'a2.csv': 'id\n3\n4\n' })
    for (const limit of [1, 2, 3]) {
      const read = await readAll(delimited, { file: 'a*.csv' }, { folder, read: { limit } })
      expect([read.records.length, read.evidence.level]).toEqual([limit, 'partial'])
    }
  })

  it('are a partial read when one comes or goes meanwhile', async () => {
    const folder = project({ 'a1.csv': 'id\n1\n', 'a2.csv': 'id\n3\n' })
    for (const change of [() => write(folder, { 'a3.csv': 'id\n5\n' }), () => rmSync(join(folder, 'a3.csv'))]) {
      const reading = await (await open(folder, 'a*.csv')).accounts()
      for await (const batch of reading.batches()) expect(batch.rejects).toEqual([])
      change()
      expect(reading.evidence()).toMatchObject({ level: 'partial', reason: expect.stringContaining('came or went') })
    }
  })

  it('are proved by rows of all, or by hash or trailer of each', async () => {
    const [a, b] = ['id\n1\n2\n', 'id\n3\n']
    const sums = `${sha256(a)}  a1.csv\n${sha256(b)} *sub/a2.csv\n`
    const folder = project({
      'a1.csv': a,
      'a2.csv': b,
      three: '3',
      four: '4',
      sums,
      swapped: sums.replaceAll('a1', 'a3'),
    })
    const levelOf = async (evidence: object): Promise<string> => {
      const read = await readAll(delimited, { file: 'a*.csv', evidence }, { folder }).catch((e: { code: string }) => e)
      return 'code' in read ? read.code : read.evidence.level
    }
    expect(await levelOf({ rows: 'three' })).toBe('complete')
    expect(await levelOf({ rows: 'four' })).toBe('IQ2005')
    expect(await levelOf({ minRows: 3 })).toBe('complete')
    expect(await levelOf({ minRows: 4 })).toBe('partial')
    expect(await levelOf({ sha256: 'sums' })).toBe('complete')
    expect(await levelOf({ sha256: 'swapped' })).toBe('IQ2005')
    const ended = project({
      'a1.csv': `${a}END 2\n`,
      'a2.csv': `${b}END 1\n`,
      'b1.csv': `${a}END 2\n`,
      'b2.csv': `${b}END 2\n`,
    })
    const evidence = { trailer: '^END (?<rows>\\d+)$' }
    expect((await readAll(delimited, { file: 'a*.csv', evidence }, { folder: ended })).evidence.level).toBe('complete')
    expect(await failure(readAll(delimited, { file: 'b*.csv', evidence }, { folder: ended }))).toMatchObject({
      code: 'IQ2005',
      message: expect.stringContaining('b2.csv is not whole: trailer says 2, the file has 1'),
    })
  })
})

describe('a trailer in JSON lines', () => {
  const evidence = { trailer: '^\\{"end":(?<rows>\\d+)\\}$' }
  it('proves the file whole as its last line only', async () => {
    const read = async (text: string): Promise<string> => {
      const folder = project({ 'a.jsonl': text })
      const done = await readAll(jsonl, { file: 'a.jsonl', evidence }, { folder }).catch((e: { code: string }) => e)
      return 'code' in done ? done.code : `${done.evidence.level} ${done.records.length}`
    }
    expect(await read('{"id":1}\n{"id":2}\n{"end":2}\n')).toBe('complete 2')
    expect(await read('{"id":1}\n{"end":2}\n')).toBe('IQ2005')
    expect(await read('{"id":1}\n{"end":1}\n{"id":2}\n')).toBe('IQ2005')
    expect(await read('{"id":1}\n')).toBe('IQ2005')
  })
})

describe('a file without a header', () => {
  it('has the columns that the settings name, each once', async () => {
    const folder = project({ 'a.csv': '1;Ada\n2;Bo\n3\n' })
    const settings = { file: 'a.csv', header: false, columns: ['id', 'name'] }
    const read = await readAll(delimited, settings, { folder })
    expect(rowsOf(read)).toEqual([
      { id: '1', name: 'Ada' },
      { id: '2', name: 'Bo' },
    ])
    expect(read.rejects).toMatchObject([{ code: 'IQ2103', line: 3 }])
    const refused = (more: object) => delimited.connection.safeParse({ ...settings, ...more }).error?.issues[0]?.message
    expect(refused({ columns: ['id', 'id'] })).toBe('each column is named once')
    expect(refused({ columns: undefined })).toBe('header: false needs columns: [names]')
  })
})

const open = (folder: string, file = 'in/*.csv') =>
  delimited.open({
    settings: delimited.connection.parse({ file }),
    folder,
    clock: systemClock,
    signal: new AbortController().signal,
  })
