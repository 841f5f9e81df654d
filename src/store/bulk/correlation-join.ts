import type { CorrelationRule } from '../../model/application.ts'
import { keepFewPages, pagesAsBefore, sortInPieces } from '../cache.ts'
import type { Database } from '../database.ts'
import { identityKeys } from './correlation-keys.ts'
import { numberedLines } from './numbered-lines.ts'
import { candidatesWithKeys } from './plain.ts'
import { slicesOf } from './steps.ts'
import { type Owner, WantedKeys } from './wanted-keys.ts'

export interface Search {
  readonly rule: CorrelationRule
  /** Among all rules, then those of `sameAs`. */
  readonly index: number
  /** Applications whose values may be matched. */
  readonly trusted: readonly string[]
  /** Which candidates `c` are asked. */
  readonly asked: string
  /** Which of them are new, so that one active identity with their key settles whose they are. */
  readonly settled: string
  /** That are held in memory at once. */
  readonly mostKeys?: number
}

/** What a search leaves to be decided: rows, what some identities have, and which of that several have. */
export const searchTables = `create table st.rest(sid integer primary key) strict;
  create table st.ik(value text not null, identity_id int not null, inactive int not null, primary key(value, identity_id)) strict, without rowid;
  create table st.shared(value text primary key) strict, without rowid;
  create table st.unsorted(value text not null, identity_id int not null, inactive int not null) strict`

const sliceRows = 20_000

/**
 * Keys of rows in memory, and one pass over the identities. Links the rows whose key one active identity has, which nearly all are; leaves the
 * others whose key somebody has in `rest`, and whoever has it in `ik`; of a decisive rule all that have a key. `staged`: the keys, where they
 * were kept while the rows were staged.
 */
export function* searchOwners(db: Database, search: Search, staged?: WantedKeys): Generator<void> {
  const { rule, index, trusted } = search
  db.exec('delete from st.rest; delete from st.ik; delete from st.shared; delete from st.unsorted')
  const keep = db.statement(`insert into st.unsorted select value ->> 0, value ->> 1, value ->> 2 from json_each(?)`)
  const open = (owners: readonly Owner[]): void => void (owners.length > 0 && keep.run(JSON.stringify(owners)))
  const asBefore = pagesAsBefore(db)
  keepFewPages(db)
  try {
    for (const wanted of staged === undefined ? wantedKeys(db, search) : [staged]) {
      yield
      if (wanted === undefined) continue
      for (const _ of identityKeys(db, rule, trusted, wanted.offer)) {
        open(wanted.takeShared())
        yield
      }
      for (const slice of wanted.slices) {
        const { linked, rest } = wanted.settle(slice, rule.decisive)
        link(db, index, slice.lo, linked)
        if (rest.length > 0)
          db.statement('insert into st.rest select value from json_each(?)').run(JSON.stringify(rest))
        open(wanted.takeShared())
        yield
      }
      wanted.release()
    }
  } finally {
    asBefore()
  }
  // in no order each would go to another page
  sortInPieces(db, () =>
    db.exec('insert into st.ik select value, identity_id, inactive from st.unsorted order by 1, 2'),
  )
  db.exec('insert into st.shared select value from st.ik group by value having count(*) > 1')
  yield
}

/** New accounts, each with the one who has its key. */
function link(db: Database, index: number, lo: number, linked: readonly (number | null)[]): void {
  db.statement(`insert into st.link(sid, kind, rule, identity_id)
    select @first + key, 'rule', @rule, value from json_each(@linked) where value is not null`).run({
    first: lo + 1,
    rule: index + 1,
    linked: JSON.stringify(linked),
  })
}

/** In the order of the stage, as many at once as memory is meant for: more look at the identities again. Undefined: a pause. */
function* wantedKeys(db: Database, { index, asked, settled, mostKeys }: Search): Generator<WantedKeys | undefined> {
  const page = db
    .statement(
      `select ${numberedLines('c.sid', settled, 'keys')} from ${candidatesWithKeys(db)} where c.sid > @lo and c.sid <= @hi and ${asked}`,
    )
    .pluck()
  let wanted: WantedKeys | undefined
  for (const slice of slicesOf(db, sliceRows)) {
    const bytes = page.get(slice) as Buffer<ArrayBuffer> | null
    if (bytes === null) continue
    if (wanted?.hasRoom(sliceRows, bytes.length) === false) {
      yield wanted
      wanted = undefined
    }
    wanted ??= new WantedKeys(bytes.length, mostKeys)
    wanted.add(slice.lo, bytes, index)
    yield undefined
  }
  if (wanted !== undefined) yield wanted
}
