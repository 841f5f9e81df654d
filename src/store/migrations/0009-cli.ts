import { sealed } from '../seal.ts'

/** A person has looked at a result and says so. The latest word counts; all of them are in the audit trail. */
export const cli = `
create table acknowledgement(
  run integer primary key references task_result(id) on delete cascade,
  actor text not null check (json_valid(actor)),
  at text not null,
  comment text not null
) strict;
${sealed('acknowledgement', 'run')}`
