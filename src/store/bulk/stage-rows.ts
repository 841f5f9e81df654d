import {
  type AccountBlock,
  digestBytes,
  hasKeysDigest,
  hasMac,
  hasText,
  type PackedText,
  packedTexts,
  rowCrc,
  rowEnds,
  rowFile,
  rowFlags,
  rowHas,
  rowInts,
  rowLine,
  rowStart,
} from '../../model/account-block.ts'
import { placeNumber } from '../../model/place.ts'
import type { SqliteConnection, SqliteStatement } from '../sqlite/driver.ts'

/** Rows of a statement, and pairs: each call into SQLite costs as much as a row. */
const rowBatch = 50
const grantBatch = 500

/**
 * Writes blocks into the stage. SQLite cuts the texts out of the bytes of just these rows, so that no text is made in between; there is a
 * statement for each set of texts that rows have.
 */
export function createBlockWriter(file: SqliteConnection): (block: AccountBlock) => void {
  const shapes = new Map<number, Shape>()
  const shapeOf = (has: number): Shape => {
    const known = shapes.get(has) ?? createShape(file, has)
    shapes.set(has, known)
    return known
  }
  const addGrants = createGrants(file)
  const addValue = file.prepare('insert into e values (?, ?, ?, ?)')
  return (block) => {
    for (const { id, attribute, value, shown } of block.values)
      addValue.run(id, attribute, value, shown === value ? null : shown)
    const { rows, rowCount } = block
    const waiting = new Map<number, number[]>()
    for (let at = 0; at < rowCount; at++) {
      const has = rows[at * rowInts + rowHas] ?? 0
      const group = waiting.get(has) ?? []
      if (group.push(at) === 1) waiting.set(has, group)
      if (group.length === rowBatch) {
        shapeOf(has).add(block, group)
        group.length = 0
      }
    }
    for (const [has, group] of waiting) for (const at of group) shapeOf(has).add(block, [at])
    addGrants(block)
  }
}

interface Shape {
  add(block: AccountBlock, group: readonly number[]): void
}

function createShape(file: SqliteConnection, has: number): Shape {
  const texts = packedTexts.flatMap((name, index) => ((has & (1 << index)) === 0 ? [] : [{ name, index }]))
  const width = texts.length + (withIdentity(has) ? 5 : 4)
  const insert = (count: number): SqliteStatement => file.prepare(insertOf(has, texts, width, count))
  const statements = new Map<number, SqliteStatement>()
  const values: number[] = []
  return {
    add({ bytes, rows, before }, group) {
      const [first = 0, last = first] = [group[0], group.at(-1)]
      const from = rows[first * rowInts + rowStart] ?? 0
      let n = 0
      for (let i = 0; i < group.length; i++) {
        const at = group[i] ?? 0
        const row = at * rowInts
        values[n++] = before + at + 1
        values[n++] = placeNumber(rows[row + rowFile] ?? 0, (rows[row + rowLine] ?? 0) >>> 0)
        values[n++] = rows[row + rowFlags] ?? 0
        if (withIdentity(has)) values[n++] = (rows[row + rowCrc] ?? 0) >>> 0
        values[n++] = (rows[row + rowStart] ?? 0) - from
        for (let t = 0; t < texts.length; t++) values[n++] = (rows[row + rowEnds + (texts[t]?.index ?? 0)] ?? 0) - from
      }
      values.length = n
      const b = bytes.subarray(from, rows[last * rowInts + rowEnds + packedTexts.length - 1])
      const statement = statements.get(group.length) ?? insert(group.length)
      statements.set(group.length, statement)
      statement.run(values, { b })
    },
  }
}

const withIdentity = (has: number): boolean => (has & hasText('iname')) !== 0

/** Columns of the values: id, line, flags, where the bytes begin, where each text ends, and before those the checksum. */
function insertOf(has: number, texts: readonly { readonly name: PackedText }[], width: number, count: number): string {
  const identity = withIdentity(has)
  const start = `column${identity ? 5 : 4}`
  const cut = texts.map(({ name }, i) => {
    const column = (identity ? 5 : 4) + i
    const from = i === 0 ? `${start} + ${digestBytes}` : `column${column}`
    return { name, sql: `cast(substr(@b, ${from} + 1, column${column + 1} - ${i === 0 ? `(${from})` : from}) as text)` }
  })
  const digest = (bit: number, from: number, length: number): string =>
    bit === 0 || (has & bit) !== 0 ? `substr(@b, ${start} + ${from + 1}, ${length})` : 'null'
  const names = ['id', 'line', 'flags', 'hash', 'mac', 'keys_digest', 'icrc', ...cut.map(({ name }) => name)]
  const columns = [
    'column1',
    'column2',
    'column3',
    digest(0, 0, 16),
    digest(hasMac, 16, 8),
    digest(hasKeysDigest, 24, 8),
    identity ? 'column4' : 'null',
    ...cut.map(({ sql }) => sql),
  ]
  const row = `(${Array(width).fill('?').join(',')})`
  return `insert into s(${names.join(', ')}) select ${columns.join(', ')} from (values ${Array(count).fill(row).join(',')})`
}

function createGrants(file: SqliteConnection): (block: AccountBlock) => void {
  const insert = (count: number) => file.prepare(`insert into g values ${Array(count).fill('(?,?)').join(',')}`)
  const [many, one] = [insert(grantBatch), insert(1)]
  const values: number[] = Array(grantBatch * 2).fill(0)
  return ({ grants, grantCount }) => {
    let at = 0
    for (; at + grantBatch <= grantCount; at += grantBatch) {
      for (let i = 0; i < grantBatch * 2; i++) values[i] = grants[2 * at + i] ?? 0
      many.run(values)
    }
    for (; at < grantCount; at++) one.run(grants[2 * at], grants[2 * at + 1])
  }
}
