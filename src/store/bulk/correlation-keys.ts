import type { CorrelationRule } from '../../model/application.ts'
import { isText, lower } from '../../model/bytes.ts'
import { evenOut } from '../../model/normalize.ts'
import type { Database } from '../database.ts'
import { eachLine, isDigit, numberedLines } from './numbered-lines.ts'

/** People that a statement looks at: long ones cannot be stopped, and what they say is one piece of bytes. */
const slicePeople = 20_000

/** Who is there, then who is planned: what these have comes from the application that would make them. */
const people = [
  { table: 'identity', sign: '', sources: 'sources' },
  { table: 'temp.planned_identity', sign: '-', sources: `'{}'` },
] as const

/** The key is a JSON text, its bytes good until the next one is told. */
export type TellKey = (identity: number, inactive: boolean, bytes: Buffer, start: number, end: number) => void

/** Tells what each identity offers to a rule, evened out as the rule says. `trusted`: applications whose values may be matched. */
export function* identityKeys(
  db: Database,
  rule: CorrelationRule,
  trusted: readonly string[],
  tell: TellKey,
): Generator<void> {
  const at = `'$.${JSON.stringify(rule.identity).replaceAll("'", "''")}'`
  const value = rule.identity === 'name' ? 'json_quote(name)' : `attrs -> ${at}`
  const even = evener(rule, tell)
  const p = { trusted: JSON.stringify(trusted) }
  for (const { table, sign, sources } of people) {
    const isTrusted = `coalesce(${sources} ->> ${at} in (select value from json_each(@trusted)), 1)`
    // nearly all have the same sources: to compare them is quicker than to look into them
    const usual = db.statement(`select ${sources} from ${table} where ${isTrusted} limit 1`).pluck().get(p) ?? null
    const page = db
      .statement(
        `select ${numberedLines(`${sign}id`, `status = 'inactive'`, `(${value})`)} from ${table}
          where id > @lo and id <= @hi and (${sources} = @usual or ${isTrusted})`,
      )
      .pluck()
    const top = Number(db.statement(`select max(id) from ${table}`).pluck().get() ?? 0)
    for (let lo = 0; lo < top; lo += slicePeople) {
      const bytes = page.get({ ...p, usual, lo, hi: lo + slicePeople }) as Buffer<ArrayBuffer> | null
      if (bytes !== null) eachLine(bytes, (id, inactive, start, end) => even(id, inactive, bytes, start, end))
      yield
    }
  }
}

const [quote, backslash, minus, space, del] = [34, 92, 45, 32, 127] as const

function evener(rule: CorrelationRule, tell: TellKey): TellKey {
  const ignored = rule.ignoreValues.map((value) => Buffer.from(JSON.stringify(value)))
  return (identity, inactive, bytes, start, end) => {
    if (rule.normalize.length === 0 && isEven(bytes, start, end)) {
      if (ignored.some((text) => isText(bytes, start, end, text))) return
      if (rule.ignoreCase) lower(bytes, start, end)
      tell(identity, inactive, bytes, start, end)
      return
    }
    const first = bytes[start] ?? 0
    if (first !== quote && first !== minus && !isDigit(first)) return
    const key = evenOut(rule, String(JSON.parse(bytes.toString('utf8', start, end))))
    if (key === undefined) return
    const text = Buffer.from(JSON.stringify(key))
    tell(identity, inactive, text, 0, text.length)
  }
}

/** ASCII without escapes, or blanks around it, is even but for its case, and nearly all is that; the rest is evened out as the model does it. */
function isEven(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== quote || (bytes[start + 1] ?? 0) <= space || (bytes[end - 2] ?? 0) <= space) return false
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0
    if (byte >= del || byte === backslash) return false
  }
  return end - start > 2
}
