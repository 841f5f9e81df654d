import { refusedEdges } from '../../model/hierarchy.ts'
import type { Database } from '../database.ts'

export interface CatalogueDiff {
  /** 0: the application has no row yet, so no entries either. */
  readonly applicationId: number
  /** The section's name: earlier sections of it tell whether a read was of other content. */
  readonly section: string
  /** Attributes that the feeds describe. */
  readonly attributes: readonly string[]
  /** Undefined where nothing may be concluded from absence; as for accounts (domain §4.6). */
  readonly missing:
    | { readonly level: 'complete' | 'stable'; readonly digest: string; readonly markedBefore: string }
    | undefined
}

/** Compares the attached catalogue with the store; writes only into the stage. */
export function diffCatalogue(db: Database, options: CatalogueDiff): void {
  db.exec('begin')
  try {
    classify(db, options.applicationId)
    if (options.missing !== undefined) findLost(db, options, options.missing)
    edges(db, options.applicationId)
    refuseCircles(db)
    db.exec(
      `update st.act set kind = 'changed' where kind = 'same' and entitlement_id in (select a from st.ge where op in ('add', 'end'))`,
    )
    db.exec('commit')
  } catch (error) {
    db.exec('rollback')
    throw error
  }
}

function classify(db: Database, app: number): void {
  db.statement(`insert into st.act select c.id,
      case when exists (select 1 from st.c o where o.attribute = c.attribute and o.value = c.value and o.id <> c.id)
          or exists (select 1 from st.rejected r where r.attribute = c.attribute and r.value = c.value) then 'reject'
        when e.id is null then 'create'
        when e.state = 'gone' then 'returned'
        when e.catalogue_run is null or e.absent_run is not null or e.display is not c.display or e.description is not c.description
          or e.owner is not c.owner then 'changed'
        else 'same' end,
      coalesce(e.id, -c.id)
    from st.c c left join entitlement e on e.application_id = ? and e.attribute = c.attribute and e.value = c.value`).run(
    app,
  )
  db.exec('create index st.act_entitlement on act(entitlement_id)')
}

function findLost(
  db: Database,
  { applicationId: app, section, attributes }: CatalogueDiff,
  missing: NonNullable<CatalogueDiff['missing']>,
): void {
  db.statement(`insert into st.lost
    select e.id, case when @level = 'complete' then 'gone' when e.absent_run is null then 'missing'
        when exists (select 1 from task_section t where t.run = e.absent_run and t.name = @section and t.read_at <= @before
          and t.digest <> @digest) then 'gone'
        else 'still' end
    from entitlement e where e.application_id = @app and e.state = 'active' and e.catalogue_run is not null
      and e.attribute in (select value from json_each(@attributes))
      and not exists (select 1 from st.act x where x.entitlement_id = e.id)
      and not exists (select 1 from st.rejected r where r.attribute = e.attribute and r.value = e.value)`).run({
    app,
    section,
    attributes: JSON.stringify(attributes),
    level: missing.level,
    before: missing.markedBefore,
    digest: missing.digest,
  })
}

/** What described entries give: by ids, next to what the store has. */
function edges(db: Database, app: number): void {
  const target = `coalesce((select x.entitlement_id from st.c o cross join st.act x on x.cid = o.id
      where o.attribute = c.attribute and o.value = g.value and x.kind <> 'reject' limit 1),
    (select e.id from entitlement e where e.application_id = @app and e.attribute = c.attribute and e.value = g.value
      and e.id not in (select entitlement_id from st.lost where kind = 'gone')))`
  db.statement(`insert into st.ge select x.entitlement_id, t.b, iif(h.given_id is null, 'add', 'keep'), null
    from (select c.id, ${target} b from st.cg g cross join st.c c on c.id = g.c) t cross join st.act x on x.cid = t.id
      left join entitlement_gives h on h.entitlement_id = x.entitlement_id and h.given_id = t.b
    where x.kind <> 'reject' and t.b is not null on conflict do nothing`).run({ app })
  db.statement(`insert into st.dangling select g.c, g.value from st.cg g cross join st.c c on c.id = g.c cross join st.act x on x.cid = c.id
    where x.kind <> 'reject' and ${target} is null`).run({ app })
  db.exec(`insert into st.ge select h.entitlement_id, h.given_id, 'end', null
    from st.act x cross join entitlement_gives h on h.entitlement_id = x.entitlement_id
    where x.kind <> 'reject' on conflict do nothing`)
}

/**
 * What lies on no circle is peeled off set-wise, from both ends, a level of nesting a round; the rest is small, and looked at edge by edge.
 */
function refuseCircles(db: Database): void {
  db.exec(`create table st.peel(a int not null, b int not null, wanted int not null, primary key(a, b)) strict, without rowid;
    create index st.peel_b on peel(b);
    insert into st.peel select a, b, op = 'add' from st.ge where op in ('add', 'keep');
    insert or ignore into st.peel select h.entitlement_id, h.given_id, 0 from entitlement_gives h
      where exists (select 1 from st.ge where op = 'add') and not exists (select 1 from st.ge g where g.a = h.entitlement_id and g.b = h.given_id)`)
  const peel =
    db.statement(`delete from st.peel where a <> b and (not exists (select 1 from st.peel n where n.a = peel.b)
    or not exists (select 1 from st.peel n where n.b = peel.a))`)
  for (let round = 0; round < 1000 && peel.run().changes > 0; round++);
  const left = db.statement('select a, b, wanted from st.peel').all() as { a: number; b: number; wanted: number }[]
  const edgesOf = (wanted: number) =>
    left.filter((row) => row.wanted === wanted).map(({ a, b }) => ({ from: a, to: b }))
  const refuse = db.statement(`update st.ge set op = 'refused', path = ? where a = ? and b = ?`)
  for (const { from, to, path } of refusedEdges(edgesOf(0), edgesOf(1))) refuse.run(JSON.stringify(path), from, to)
}
