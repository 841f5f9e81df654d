import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { fingerprintMade } from '../../src/store/foreign.ts'
import { migrations } from '../../src/store/migrations/index.ts'
import { openStore } from '../../src/store/open.ts'
import { project } from '../helpers/project.ts'

const dump = join(import.meta.dirname, '../../src/store/schema.sql')
const open = () => openStore({ path: join(project(), 'x.db'), clock: systemClock, create: true })

it('the committed dump is the schema that the migrations make (UPDATE_SCHEMA=1 writes it)', () => {
  const store = open()
  const statements = store.db
    .statement(
      `select sql from sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\' order by type desc, name`,
    )
    .pluck()
    .all() as string[]
  store.close()
  const text = `${statements.join(';\n\n')};\n`
  if (process.env.UPDATE_SCHEMA === '1') writeFileSync(dump, text)
  expect(readFileSync(dump, 'utf8')).toBe(text)
})

/** As the formatter writes it. */
const literal = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

it('the fingerprint that is kept is that of the schema (UPDATE_SCHEMA=1 writes it)', () => {
  const file = join(import.meta.dirname, '../../src/store/fingerprint.ts')
  const made = fingerprintMade(migrations)
  if (process.env.UPDATE_SCHEMA === '1')
    writeFileSync(
      file,
      `/** The tables and triggers that all migrations make; \`test/store/schema.test.ts\` writes and checks it. */\nexport const latestFingerprint =\n  ${literal(made)}\n`,
    )
  expect(readFileSync(file, 'utf8')).toContain(literal(made))
})

it('the types that queries are written against name the columns of the tables', () => {
  const store = open()
  const folder = join(import.meta.dirname, '../../src/store')
  const source = readdirSync(folder)
    .filter((file) => /^schema.*\.ts$/.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n')
  const tables = [...source.matchAll(/^ {2}(\w+): (\w+Row)$/gm)].map(
    (match) => [match[1] ?? '', match[2] ?? ''] as const,
  )
  const actual = store.db
    .statement(
      `select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name`,
    )
    .pluck()
    .all()
  expect(tables.map(([table]) => table).sort()).toEqual(actual)
  for (const [table, row] of tables) {
    const body = new RegExp(`interface ${row} \\{([^}]*)\\}`).exec(source)?.[1] ?? ''
    const typed = [...body.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1])
    const columns = store.db.statement(`select name from pragma_table_info('${table}')`).pluck().all()
    expect(typed, table).toEqual(columns)
  }
  store.close()
})

it('every table is strict', () => {
  const store = open()
  const loose = store.db
    .statement(
      `select name from pragma_table_list where schema = 'main' and type = 'table' and not strict and name not like 'sqlite\\_%' escape '\\'`,
    )
    .pluck()
    .all()
  expect(loose).toEqual([])
  store.close()
})

it('whoever points at an account, identity or entitlement is found in an index when it is removed', () => {
  const store = open()
  const pointers = store.db
    .statement(`select t.name child, f."from" key, f."table" parent from pragma_table_list t cross join pragma_foreign_key_list(t.name) f
      where t.schema = 'main' and f."table" in ('account', 'identity', 'entitlement')`)
    .all() as { child: string; key: string; parent: string }[]
  expect(pointers.length).toBeGreaterThan(8)
  for (const { child, key, parent } of pointers) {
    const plan = store.db.statement(`explain query plan select 1 from "${child}" where "${key}" = ?`).all(1)
    expect(JSON.stringify(plan), `${child}.${key} → ${parent}`).not.toContain('SCAN')
  }
  store.close()
})

it('every row of every table has a check, so that a flipped bit is found', () => {
  const store = open()
  const bare = store.db
    .statement(
      `select name from pragma_table_list t where schema = 'main' and type = 'table' and name not like 'sqlite\\_%' escape '\\' and not exists
        (select 1 from pragma_table_xinfo(t.name) c where c.name in ('crc', 'sums') or c.name like '%\\_again' escape '\\') order by name`,
    )
    .pluck()
    .all()
  // the trail is chained; every number of the hierarchy stands in two indexes
  expect(bare).toEqual(['audit', 'entitlement_gives'])
  store.close()
})
