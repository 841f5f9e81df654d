import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { ConnectorError } from '../../src/base/errors.ts'
import type { Connector, ReadOptions, RecordBatch, SourceRecord } from '../../src/connectors/connector.ts'
import type { Evidence } from '../../src/model/result.ts'

export interface Read {
  readonly columns: readonly string[]
  readonly records: readonly SourceRecord[]
  readonly rejects: RecordBatch['rejects']
  readonly evidence: Evidence
}

/** Reads all there is. */
export async function readAll(
  connector: Connector,
  settings: Record<string, unknown>,
  options: { folder: string; read?: ReadOptions; signal?: AbortSignal; stdin?: NodeJS.ReadableStream },
): Promise<Read> {
  const connection = await connector.open({
    settings: connector.connection.parse(settings),
    folder: options.folder,
    clock: systemClock,
    signal: options.signal ?? new AbortController().signal,
    stdin: options.stdin,
  })
  const reading = await connection.accounts(options.read ?? {})
  const records: SourceRecord[] = []
  const rejects: RecordBatch['rejects'][number][] = []
  let columns: readonly string[] = []
  for await (const batch of reading.batches()) {
    columns = batch.columns
    records.push(...batch.records)
    rejects.push(...batch.rejects)
  }
  await connection.close()
  return { columns, records, rejects, evidence: reading.evidence() }
}

/** A source with this many rows of the columns `id` (r1, r2, …) and `name`. */
export interface Fixture {
  readonly settings: Record<string, unknown>
  readonly folder: string
  close(): Promise<void>
}

/** What every connector must do. */
export function connectorContract(connector: Connector, make: (rows: number) => Promise<Fixture>): void {
  describe(`the connector ${connector.name}, like every other,`, () => {
    const open: Fixture[] = []
    afterAll(async () => {
      for (const fixture of open) await fixture.close()
    })
    const fixture = async (rows: number): Promise<Fixture> => {
      const made = await make(rows)
      open.push(made)
      return made
    }
    const idsOf = (read: Read): unknown[] => read.records.map((r) => r.values[read.columns.indexOf('id')])

    it('hands over every row once, in the order of the source', async () => {
      const { settings, folder } = await fixture(2500)
      const read = await readAll(connector, settings, { folder })
      expect(idsOf(read)).toEqual(Array.from({ length: 2500 }, (_, i) => `r${i + 1}`))
      expect(read.rejects).toEqual([])
      expect(read.evidence.level).not.toBe('partial')
    })

    it('gives the same rows and the same digest when it reads again', async () => {
      const { settings, folder } = await fixture(7)
      expect(await readAll(connector, settings, { folder })).toEqual(await readAll(connector, settings, { folder }))
    })

    it('stops after `limit` rows, and says that the read is partial', async () => {
      const { settings, folder } = await fixture(50)
      const read = await readAll(connector, settings, { folder, read: { limit: 3 } })
      expect(idsOf(read)).toEqual(['r1', 'r2', 'r3'])
      expect(read.evidence.level).toBe('partial')
    })

    it('stops when it is told to, and says that the read is partial', async () => {
      const { settings, folder } = await fixture(50)
      const read = await readAll(connector, settings, { folder, signal: AbortSignal.abort() })
      expect(read.evidence.level).toBe('partial')
    })

    it('can be closed twice, and says in a sentence what answered', async () => {
      const { settings, folder } = await fixture(5)
      const connection = await connector.open({
        settings: connector.connection.parse(settings),
        folder,
        clock: systemClock,
        signal: new AbortController().signal,
      })
      expect(await connection.test()).toMatch(/2 columns/)
      await connection.close()
      await connection.close()
    })

    it('tells a source that is not there by a ConnectorError', async () => {
      const { settings, folder, close } = await fixture(1)
      await close()
      await expect(readAll(connector, settings, { folder })).rejects.toThrow(ConnectorError)
    })

    it('refuses a setting that it does not know', () => {
      expect(connector.connection.safeParse({ file: 'x', fiel: 'y' }).success).toBe(false)
    })
  })
}
