/**
 * The catalogue of entitlements. `catalogue_run`: the run whose catalogue feed first described the entry, null while it is known from grants
 * alone (only described entries can become `gone` by being absent). `absent_run`: the run whose feed first lacked it, null while it is listed.
 * `entitlement_gives`: whoever holds `entitlement_id` also holds `given_id` (a nested group gives its parent's access).
 */
export const feeds = `
alter table entitlement add column catalogue_run integer;
alter table entitlement add column absent_run integer;
alter table entitlement add column changed_run integer;

create table entitlement_gives(
  entitlement_id integer not null references entitlement(id) on delete cascade,
  given_id integer not null references entitlement(id) on delete cascade,
  primary key (entitlement_id, given_id)
) strict, without rowid;
create index entitlement_given on entitlement_gives(given_id, entitlement_id);
`
