import type { Attributes, Value } from '../model/value.ts'
import type { Database } from './database.ts'
import { identityImages } from './images.ts'

/** One attribute of an identity, set past its sources. */
export interface IdentityEdit {
  readonly identityId: number
  readonly attribute: string
  /** Null: it goes. */
  readonly value: Value | null
  /** What is kept as the value's source; no application has such a name, so that correlation rules never match it. */
  readonly source: string
}

export interface IdentityEdits {
  idOf(name: string): number | undefined
  /** Makes them, inside the caller's transaction, with before images for `run`. */
  edit(edits: readonly IdentityEdit[], run: number): void
}

export function createIdentityEdits(db: Database): IdentityEdits {
  const one = db.statement('select attrs, sources from identity where id = ?')
  const write = db.statement('update identity set attrs = ?, sources = ?, marked = 1, changed_run = ? where id = ?')
  return {
    idOf: (name) => db.statement('select id from identity where name = ?').pluck().get(name) as number | undefined,
    edit(edits, run) {
      const ids = JSON.stringify(edits.map((edit) => edit.identityId))
      db.statement(identityImages('select value from json_each(@ids)')).run({ run, ids })
      for (const { identityId, attribute, value, source } of edits) {
        const row = one.get(identityId) as { readonly attrs: string; readonly sources: string }
        const { [attribute]: _value, ...attrs } = JSON.parse(row.attrs) as Attributes
        const { [attribute]: _source, ...sources } = JSON.parse(row.sources) as Record<string, string>
        const [values, origins] =
          value === null
            ? [attrs, sources]
            : [
                { ...attrs, [attribute]: value },
                { ...sources, [attribute]: source },
              ]
        write.run(JSON.stringify(values), JSON.stringify(origins), run, identityId)
      }
    },
  }
}
