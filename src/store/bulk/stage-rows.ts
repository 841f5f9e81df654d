import {
  type AccountBlock,
  digestBytes,
  endOfText,
  gapBefore,
  hasMac,
  hasText,
  packedTexts,
  rowAttrs,
  rowCrc,
  rowEnd,
  rowFile,
  rowFlags,
  rowHas,
  rowInts,
  rowLine,
  rowStart,
} from '../../model/account-block.ts'
import { placeNumber } from '../../model/place.ts'
import type { SqliteConnection, SqliteStatement } from '../sqlite/driver.ts'

/** Rows of a statement: each call into SQLite costs as much as a row. */
const rowBatch = 20

const bitsOf = packedTexts.map(hasText)
const [keysText, inameText] = [hasText('keys'), hasText('iname')]

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
  }
}

interface Shape {
  add(block: AccountBlock, group: readonly number[]): void
}

function createShape(file: SqliteConnection, has: number): Shape {
  const ends = packedTexts.flatMap((name, index) => ((has & (bitsOf[index] ?? 0)) === 0 ? [] : [endOfText(name)]))
  const insert = (count: number): SqliteStatement => file.prepare(insertOf(has, count))
  const statements = new Map<number, SqliteStatement>()
  const values: (number | { readonly b: Uint8Array })[] = []
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
        // as a number with a sign: others would make the engine box each of them
        if (withIdentity(has)) values[n++] = rows[row + rowCrc] ?? 0
        values[n++] = (rows[row + rowStart] ?? 0) - from
        values[n++] = (rows[row + rowAttrs] ?? 0) - from
        for (let t = 0; t < ends.length; t++) values[n++] = (rows[row + (ends[t] ?? 0)] ?? 0) - from
      }
      values[n++] = { b: bytes.subarray(from, rows[last * rowInts + rowEnd]) }
      values.length = n
      const statement = statements.get(group.length) ?? insert(group.length)
      statements.set(group.length, statement)
      // one by one: each value of an array would cost as much as to bind it
      statement.run(...values)
    },
  }
}

const withIdentity = (has: number): boolean => (has & inameText) !== 0

/** Columns of the values: id, line, flags, the seal of an identity, where the bytes begin, where the attributes do, where each text ends. */
function insertOf(has: number, count: number): string {
  const names = packedTexts.filter((_, index) => (has & (bitsOf[index] ?? 0)) !== 0)
  const seal = withIdentity(has) ? 1 : 0
  const [start, attrs, first] = [`column${4 + seal}`, `column${5 + seal}`, 6 + seal]
  const cut = names.map((name, index) => {
    const after = index === 0 ? `${start} + ${digestBytes}` : `column${first + index - 1}`
    const from = name === 'attrs' ? attrs : `(${after} + ${gapBefore[name] ?? 0})`
    return `cast(substr(@b, ${from} + 1, column${first + index} - ${from}) as text)`
  })
  const digest = (isThere: boolean, from: number, length: number): string =>
    isThere ? `substr(@b, ${start} + ${from + 1}, ${length})` : 'null'
  const columns = [
    ...['column1', 'column2', 'column3'],
    digest(true, 0, 16),
    digest((has & hasMac) !== 0, 16, 8),
    digest((has & keysText) !== 0, 24, 8),
    seal === 1 ? 'column4 & 0xffffffff' : 'null',
    ...cut,
  ]
  const row = `(${Array(first - 1 + names.length)
    .fill('?')
    .join(',')})`
  return `insert into s(${['id', 'line', 'flags', 'hash', 'mac', 'keys_digest', 'icrc', ...names].join(', ')})
    select ${columns.join(', ')} from (values ${Array(count).fill(row).join(',')})`
}
