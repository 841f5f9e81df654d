import type { Json, JsonObject } from './base/json.ts'
import type { SourceRecord } from './connectors/connector.ts'
import type { Question } from './executor-protocol.ts'
import type { Store } from './store/store.ts'
import type { TaskContext } from './task/executor.ts'

export interface Views {
  /** A page of rows for a cursor; no rows: its end. */
  answer(question: Exclude<Question, { ask: 'plan' }>): Promise<Json>
  close(): Promise<void>
}

const pageSize = 200

interface Cursor {
  readonly rows: AsyncIterator<Json>
  /** Of records: how sure the source is that these were all. */
  readonly evidence: () => Json
}

/** What an executor of one's own may look at, a page at a time: the store, and the records of the applications. */
export function createViews(context: TaskContext, store: Store, rejected: (count: number) => void): Views {
  const open = new Map<number, Cursor>()
  let last = 0
  const begin = async (view: string, filter: JsonObject): Promise<Cursor> => {
    if (view === 'records') return recordsOf(context, String(filter.application), rejected)
    const found = viewsOf(store)[view as keyof ReturnType<typeof viewsOf>].find(filter)
    return { rows: toAsync(found as Iterator<unknown>), evidence: () => null }
  }
  return {
    async answer(question) {
      if (question.ask === 'open') {
        open.set(++last, await begin(question.view, question.filter))
        return last
      }
      const cursor = open.get(question.cursor)
      if (question.ask === 'evidence') return cursor?.evidence() ?? null
      if (question.ask === 'close') {
        open.delete(question.cursor)
        await cursor?.rows.return?.()
        return null
      }
      const page: Json[] = []
      while (cursor !== undefined && page.length < pageSize) {
        const next = await cursor.rows.next()
        if (next.done === true) break
        page.push(next.value)
      }
      return page
    },
    async close() {
      for (const { rows } of open.values()) await rows.return?.()
      open.clear()
    },
  }
}

const viewsOf = (store: Store) => ({
  accounts: store.accounts,
  identities: store.identities,
  entitlements: store.catalogue,
})

async function* toAsync(rows: Iterator<unknown>): AsyncGenerator<Json> {
  try {
    for (let next = rows.next(); next.done !== true; next = rows.next()) yield next.value as Json
  } finally {
    rows.return?.()
  }
}

/** Rows that are no records are rejects of the run, as in an aggregation. @throws UserError for an application that is none */
async function recordsOf(
  context: TaskContext,
  application: string,
  rejected: (count: number) => void,
): Promise<Cursor> {
  const reading = await (await context.connect(application)).accounts()
  async function* rows(): AsyncGenerator<Json> {
    for await (const { columns, records, rejects } of reading.batches()) {
      context.reject(application, rejects)
      if (rejects.length > 0) rejected(rejects.length)
      for (const record of records) yield recordOf(columns, record)
    }
  }
  return { rows: rows(), evidence: () => reading.evidence() as unknown as JsonObject }
}

const recordOf = (columns: readonly string[], { line, values }: SourceRecord): JsonObject => ({
  line,
  values: Object.fromEntries(columns.flatMap((name, index) => (values[index] == null ? [] : [[name, values[index]]]))),
})
