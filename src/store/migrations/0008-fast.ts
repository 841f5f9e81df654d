/**
 * What the bulk path needs. `identity_manager`: without it the removal of an identity looks at all others. `account_unowned`: accounts that
 * correlation tries again in every read, and their number. `account_seen`: a keyed hash of the source record that an account was last made
 * from, so that an unchanged record need not be parsed; eight zero bytes mean: look again. Whoever changes an account or its grants makes
 * it so in the same transaction. Who adds grants must change the account too.
 */
export const fast = `
create index identity_manager on identity(manager_id) where manager_id is not null;
create index account_unowned on account(application_id) where identity_id is null;

create table account_seen(
  account_id integer primary key references account(id) on delete cascade,
  application_id integer not null,
  mac blob not null,
  mac_again blob generated always as (mac) stored
) strict;
create trigger account_touched after update of native, retired, shown, uuid, display, use, flags, times, owner, state, identity_id, link_by, keys,
  attrs, hash on account begin update account_seen set mac = zeroblob(8) where account_id = old.id; end;
create trigger access_touched after update on access begin update account_seen set mac = zeroblob(8) where account_id = old.account_id; end;
create trigger access_removed after delete on access begin update account_seen set mac = zeroblob(8) where account_id = old.account_id; end;
`
