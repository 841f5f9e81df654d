import type { SqliteConnection, SqliteStatement } from './sqlite/driver.ts'

/**
 * Row checks: a single flipped bit of the store is found by `store check`.
 *
 * A sealed table has a column `crc` over all other columns. Whoever changes a row need not know: a trigger takes the seal off,
 * and the end of every write transaction puts it on again. Tables of many small rows (`account`, `access`) have generated
 * columns instead, which SQLite keeps by itself; the texts of accounts have their content hash.
 */
export const sealed = (table: string, ...key: readonly string[]): string => `
alter table ${table} add column crc integer;
create index ${table}_unsealed on ${table}(crc) where crc is null;
create trigger ${table}_unseal after update on ${table} when new.crc is old.crc and new.crc is not null begin
  update ${table} set crc = null where ${key.map((column) => `${column} = new.${column}`).join(' and ')};
end;
`

const joined = (columns: readonly string[]): string => columns.join(' || char(31) || ')

const own: Readonly<Record<string, string>> = {
  // only the texts, so that a bulk insert can take what was computed while the source was read; numbers have sums
  identity: `row_crc(${joined(['name', 'type', 'status', 'attrs', 'sources'])})`,
  // a long text: as bytes it is neither quoted nor made a string for the sake of its sum
  removed: `row_crc(cast(${joined(['run', 'object', 'first', 'last', 'objects', 'images'])} as blob))`,
}

/** What the seal of a row is, for whoever writes it whole. */
export const sealOf = (table: string, columns: readonly string[]): string =>
  own[table] ?? `row_crc(${columns.map((column) => `quote("${column}")`).join(` || ',' || `)})`

interface SealedTable {
  readonly name: string
  readonly seal: string
}

export function sealedTables(prepare: (sql: string) => SqliteStatement): SealedTable[] {
  const rows = prepare(
    `select t.name "table", json_group_array(c.name) columns from pragma_table_list t cross join pragma_table_info(t.name) c
        where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\' group by t.name`,
  ).all() as { table: string; columns: string }[]
  return rows.flatMap(({ table, columns }) => {
    const all = JSON.parse(columns) as string[]
    if (!all.includes('crc')) return []
    return [
      {
        name: table,
        seal: sealOf(
          table,
          all.filter((column) => column !== 'crc'),
        ),
      },
    ]
  })
}

/** Seals every row that the transaction in hand left without: the last step of each. */
export function createSealer(connection: SqliteConnection): () => void {
  const tables = sealedTables((sql) => connection.prepare(sql))
  const statements = tables.map(({ name, seal }) =>
    connection.prepare(`update main."${name}" set crc = ${seal} where crc is null`),
  )
  // most transactions leave rows of few tables, and asking all of them at once costs a tenth; a first schema has none
  const asked = tables.map(
    ({ name }, at) => `select ${at} where exists (select 1 from main."${name}" where crc is null)`,
  )
  const open = connection.prepare(['select 0 where false', ...asked].join(' union all ')).pluck()
  return () => {
    for (const at of open.all() as number[]) statements[at]?.run()
  }
}
