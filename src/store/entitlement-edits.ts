import type { Database } from './database.ts'
import { entitlementImages } from './images.ts'

/** What people and executors change at one catalogue entry; no feed touches its tags. */
export interface EntitlementEdit {
  readonly entitlementId: number
  /** Tags that are put on it, and that are taken off. */
  readonly add?: readonly string[] | undefined
  readonly remove?: readonly string[] | undefined
  readonly owner?: string | null | undefined
}

export interface EntitlementEdits {
  /** `APPLICATION:ATTRIBUTE:VALUE`; undefined where there is none. */
  idOf(reference: string): number | undefined
  /** Makes them, inside the caller's transaction, with before images for `run`. */
  edit(edits: readonly EntitlementEdit[], run: number): void
}

export function createEntitlementEdits(db: Database): EntitlementEdits {
  return {
    idOf: (reference) =>
      db
        .statement(
          `select e.id from entitlement e join application p on p.id = e.application_id where @reference in
             (p.name || ':' || e.attribute || ':' || e.value, p.name || ':' || e.attribute || ':' || e.shown) order by p.name, e.attribute limit 1`,
        )
        .pluck()
        .get({ reference }) as number | undefined,
    edit(edits, run) {
      const ids = JSON.stringify(edits.map((edit) => edit.entitlementId))
      db.statement(entitlementImages('select value from json_each(@ids)')).run({ run, ids })
      const tagged = db.statement(
        `update entitlement set changed_run = @run, tags = (select nullif(json_group_array(tag), '[]') from (select value tag from json_each(tags)
           where value not in (select value from json_each(@remove)) union select value from json_each(@add) order by 1)) where id = @id`,
      )
      const owned = db.statement('update entitlement set changed_run = @run, owner = @owner where id = @id')
      for (const { entitlementId: id, add = [], remove = [], owner } of edits) {
        if (owner === undefined) tagged.run({ run, id, add: JSON.stringify(add), remove: JSON.stringify(remove) })
        else owned.run({ run, id, owner })
      }
    },
  }
}
