/** Every account has its hash, be it zero; those to be looked at again are found without a walk over all of them. */
export const seenAgain = `
insert into account_seen(account_id, application_id, mac)
  select id, application_id, zeroblob(8) from account where id not in (select account_id from account_seen);
create index account_seen_again on account_seen(application_id, account_id) where mac = zeroblob(8);
`
