/** What a run planned and did not do: forbidden, not accepted, or put aside because it killed the run. */
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
`
