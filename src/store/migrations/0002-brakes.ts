import { sealed } from '../seal.ts'
import { foundation } from './0001-foundation.ts'

/** What `sums` adds up: any bit of these columns that is flipped changes it. SQLite writes it, `store check` compares. */
export const sums = {
  identity:
    'coalesce(manager_id, -1) * 3 + coalesce(application_id, -1) * 5 + frozen * 7 + marked * 11 + created_run * 13 + changed_run * 17',
  account: `application_id * 3 + retired * 5 + flags * 7 + state_run * 11 + coalesce(identity_id, -1) * 13 + coalesce(link_rule, -1) * 17
    + link_run * 19 + unconfirmed * 23 + created_run * 29 + changed_run * 31`,
}

/** What a run planned and did not do (`left_out`), and checks for every row of the store. */
export const brakes = `
create table left_out(
  run integer not null references task_result(id) on delete cascade,
  seq integer not null,
  section text not null,
  reason text not null check (reason in ('forbidden','notAccepted','quarantined')),
  kind text not null,
  object text not null,
  count integer not null,
  first text not null check (json_valid(first)),
  primary key (run, seq)
) strict, without rowid;
-- objects that an undo leaves as they are
create table undo_left(
  run integer not null references task_result(id) on delete cascade,
  object text not null check (object in ('account','identity','entitlement')),
  object_id integer not null,
  primary key (run, object, object_id)
) strict, without rowid;
${sealed('undo_left', 'run', 'object', 'object_id')}
${rebuilt('identity', `sums integer generated always as (${sums.identity}) stored`)}
${rebuilt('account', `sums integer generated always as (${sums.account}) stored,\n  keys_again blob generated always as (keys) stored`)}
${rebuilt('access', 'until_again integer generated always as (until) stored')}
${sealed('meta', 'key')}${sealed('application', 'id')}${sealed('entitlement', 'id')}${sealed('question', 'account_id')}
${sealed('change', 'run', 'object', 'object_id')}
${sealed('task_result', 'id')}
${['task_section', 'task_message', 'reject', 'guard_verdict', 'left_out'].map((table) => sealed(table, 'run', 'seq')).join('')}
${sealed('output_file', 'run', 'path')}
alter table identity add column crc integer;
create index identity_unsealed on identity(crc) where crc is null;
create trigger identity_unseal after update of name, type, status, attrs, sources on identity
  when new.crc is old.crc and new.crc is not null begin
  update identity set crc = null where id = new.id;
end;
`

/** The table as the foundation has it, with more columns: stored ones cannot be added to a table that is there. */
function rebuilt(table: string, columns: string): string {
  const body = new RegExp(`create table ${table}\\(\n([\\s\\S]*?)\n\\)( strict[^;]*);`).exec(foundation)
  if (body === null) throw new Error(`the foundation has no table ${table}`)
  const [, written = '', kind = ''] = body
  const key = /,\n {2}primary key[\s\S]*$/.exec(written)?.[0] ?? ''
  const names = written
    .split('\n')
    .flatMap((line) => /^ {2}(?!primary key)"?(\w+)"? /.exec(line)?.[1] ?? [])
    .join(', ')
  const indexes = foundation.match(new RegExp(`create (unique )?index \\w+ on ${table}\\([^;]*;`, 'g')) ?? []
  return `create table ${table}_again(
${written.slice(0, written.length - key.length)},
  ${columns}${key}
)${kind};
insert into ${table}_again(${names}) select ${names} from ${table};
${
  written.includes('autoincrement')
    ? `delete from sqlite_sequence where name = '${table}_again';
insert into sqlite_sequence(name, seq) select '${table}_again', seq from sqlite_sequence where name = '${table}';`
    : ''
}
drop table ${table};
alter table ${table}_again rename to ${table};
${indexes.join('\n')}`
}
