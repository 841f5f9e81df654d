import { sealed } from '../seal.ts'

/**
 * `schedule`: what is known of each, and since when it counts; `schedule_fire`: the ledger, one row a nominal time: whoever
 * inserts it, runs. `run` is the result that tells of it.
 */
export const schedules = `
create table schedule(
  id text primary key,
  since text not null,
  paused_at text,
  paused_until text
) strict, without rowid;
create table schedule_fire(
  schedule text not null,
  nominal text not null,
  run integer references task_result(id) on delete set null,
  at text not null,
  outcome text not null check (outcome in ('run','missed')),
  primary key (schedule, nominal)
) strict, without rowid;
create index schedule_fire_run on schedule_fire(run);
${sealed('schedule', 'id')}${sealed('schedule_fire', 'schedule', 'nominal')}`
