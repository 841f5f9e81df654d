/**
 * No record is known: eight zero bytes, written as what they are. A call of a function can fail, for which SQLite keeps every page that a
 * statement changes as it was, in a file of its own.
 */
export const zeroHash = `
drop index account_seen_again;
create index account_seen_again on account_seen(application_id, account_id) where mac = x'0000000000000000';
drop trigger account_touched;
drop trigger access_touched;
drop trigger access_removed;
create trigger account_touched after update of native, retired, shown, uuid, display, use, flags, times, owner, state, identity_id, link_by, keys,
  attrs, hash on account begin update account_seen set mac = x'0000000000000000' where account_id = old.id; end;
create trigger access_touched after update on access begin update account_seen set mac = x'0000000000000000' where account_id = old.account_id; end;
create trigger access_removed after delete on access begin update account_seen set mac = x'0000000000000000' where account_id = old.account_id; end;
`
