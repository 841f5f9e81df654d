import { sealed } from '../seal.ts'

/**
 * `audit_pack`: a thousand old events of the audit trail as lines of canonical JSON, compressed; `hash` is that of the last of them, so that the
 * chain goes on from it. An event leaves its table only into a pack, and a pack is never changed.
 */
export const auditPacks = `
create table audit_pack(
  first integer primary key,
  last integer not null unique,
  since text not null,
  until text not null,
  hash blob not null,
  events blob not null
) strict;
${sealed('audit_pack', 'first')}
drop trigger audit_no_delete;
create trigger audit_no_delete before delete on audit
  when old.seq > (select coalesce(max(last), 0) from audit_pack)
  begin select raise(abort, 'audit events are never removed'); end;
create trigger audit_pack_no_update before update of first, last, since, until, hash, events on audit_pack
  begin select raise(abort, 'audit events are never changed'); end;
create trigger audit_pack_no_delete before delete on audit_pack begin select raise(abort, 'audit events are never removed'); end;
`
