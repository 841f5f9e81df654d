import { sealed } from '../seal.ts'

/**
 * `task_health`: how a task is, from run to run: with which result it began to fail. `outbox`: what has to be told, committed with the end of
 * its run. `pruned`: what retention has taken from a result that stays. `batch`: the message that this one travels in, where several are sent as one (a digest).
 */
export const outbox = `
create table task_health(
  task text primary key,
  failing_since text,
  missed integer not null default 0 check (missed in (0, 1))
) strict, without rowid;

create table outbox(
  id integer primary key autoincrement,
  message_id text not null unique,
  run integer not null references task_result(id) on delete cascade,
  event text not null,
  channel text not null,
  digest text check (digest in ('hourly','daily')),
  batch integer references outbox(id) on delete cascade,
  payload text not null check (json_valid(payload)),
  state text not null default 'waiting' check (state in ('waiting','sent','failed')),
  attempts integer not null default 0,
  next_at text not null,
  claimed_until text,
  error text,
  created_at text not null,
  ended_at text
) strict;
create index outbox_due on outbox(next_at) where state = 'waiting';
create index outbox_run on outbox(run);
create index outbox_batch on outbox(batch) where batch is not null;

create table pruned(
  run integer not null references task_result(id) on delete cascade,
  what text not null check (what in ('rejects','images')),
  primary key (run, what)
) strict, without rowid;
${sealed('pruned', 'run', 'what')}${sealed('task_health', 'task')}${sealed('outbox', 'id')}`
