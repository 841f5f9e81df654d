import { sealed } from '../seal.ts'

/**
 * What persons decided about accounts; no rule and no run takes it back. `link` (to `identity_id`) and `unlink`: whose the account is, one an
 * account; `never`: whose it is not, any number.
 */
export const decisions = `
create table decision(
  account_id integer not null references account(id) on delete cascade,
  kind text not null check (kind in ('link','unlink','never')),
  identity_id integer references identity(id) on delete cascade,
  run integer not null,
  reason text not null,
  actor text not null check (json_valid(actor)),
  at text not null,
  check ((kind = 'unlink') = (identity_id is null))
) strict;
create unique index decision_owner on decision(account_id) where kind <> 'never';
create unique index decision_never on decision(account_id, identity_id) where kind = 'never';
create index decision_identity on decision(identity_id);
${sealed('decision', 'rowid')}`
