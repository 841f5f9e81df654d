import { type CompiledQuery, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { once } from '../base/once.ts'
import type { Tables } from './schema.ts'
import { createSealer } from './seal.ts'
import { type Checkpointer, createCheckpointer } from './sqlite/checkpointer.ts'
import { checkRows, type SqliteConnection, type SqliteStatement } from './sqlite/driver.ts'

interface Compilable<Row> {
  compile(): CompiledQuery<Row>
}

/** One open store file. Kysely builds and types the queries; they run here, synchronously, so that a transaction never awaits. */
export interface Database {
  readonly path: string
  readonly build: Kysely<Tables>
  all<Row>(query: Compilable<Row>): Row[]
  get<Row>(query: Compilable<Row>): Row | undefined
  run(query: Compilable<unknown>): { changes: number; id: number }
  iterate<Row>(query: Compilable<Row>): IterableIterator<Row>
  /** Raw SQL for set-based statements; the prepared statement is kept by its text. */
  statement(sql: string): SqliteStatement
  exec(sql: string): void
  /**
   * Off: references and conditions are not looked up for each row that is written, until they are on again. For rows that a plan has proved;
   * `store check` looks at all of them. Outside of a transaction.
   */
  checks(on: boolean): void
  /** One `begin immediate` transaction, which leaves no row unsealed; nested calls join the outer one. */
  write<Result>(work: () => Result): Result
  /** For the time in which many transactions follow each other, with so many changes in all. */
  checkpointer(changes: number): Checkpointer
  close(): void
}

export function createDatabase(path: string, connection: SqliteConnection): Database {
  // a command that only looks seals nothing
  const seal = once(() => createSealer(connection))
  const sealing = <Result>(work: () => Result): Result => {
    const result = work()
    seal()()
    return result
  }
  const build = once(createBuilder)
  const statements = new Map<string, SqliteStatement>()
  const checkpointers: Checkpointer[] = []
  let checking = true
  const statement = (sql: string): SqliteStatement => {
    let known = statements.get(sql)
    if (known === undefined) {
      known = connection.prepare(sql)
      statements.set(sql, known)
    }
    return known
  }
  const prepared = <Row>(query: Compilable<Row>) => {
    const compiled = query.compile()
    return { statement: statement(compiled.sql), parameters: compiled.parameters as unknown[] }
  }
  return {
    path,
    get build() {
      return build()
    },
    all<Row>(query: Compilable<Row>) {
      const q = prepared(query)
      return q.statement.all(...q.parameters) as Row[]
    },
    get<Row>(query: Compilable<Row>) {
      const q = prepared(query)
      return q.statement.get(...q.parameters) as Row | undefined
    },
    run(query) {
      const q = prepared(query)
      const done = q.statement.run(...q.parameters)
      return { changes: done.changes, id: Number(done.lastInsertRowid) }
    },
    iterate<Row>(query: Compilable<Row>) {
      const q = prepared(query)
      return q.statement.iterate(...q.parameters) as IterableIterator<Row>
    },
    statement,
    exec: (sql) => void connection.exec(sql),
    checks(on) {
      // every prepared statement is compiled again afterwards
      if (on === checking) return
      checking = on
      checkRows(connection, on)
    },
    write: (work) => (connection.inTransaction ? work() : connection.transaction(() => sealing(work)).immediate()),
    checkpointer(changes) {
      const made = createCheckpointer(connection, path, changes)
      checkpointers.push(made)
      return made
    },
    close() {
      for (const one of checkpointers) one.closed()
      connection.close()
    },
  }
}

/** Many commands go without. */
const createBuilder = (): Kysely<Tables> =>
  new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
