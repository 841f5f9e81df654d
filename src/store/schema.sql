CREATE TRIGGER access_removed after delete on access begin update account_seen set mac = x'0000000000000000' where account_id = old.account_id; end;

CREATE TRIGGER access_touched after update on access begin update account_seen set mac = x'0000000000000000' where account_id = old.account_id; end;

CREATE TRIGGER account_touched after update of native, retired, shown, uuid, display, use, flags, times, owner, state, identity_id, link_by, keys,
  attrs, hash on account begin update account_seen set mac = x'0000000000000000' where account_id = old.id; end;

CREATE TRIGGER acknowledgement_unseal after update on acknowledgement when new.crc is old.crc and new.crc is not null begin
  update acknowledgement set crc = null where run = new.run;
end;

CREATE TRIGGER application_unseal after update on application when new.crc is old.crc and new.crc is not null begin
  update application set crc = null where id = new.id;
end;

CREATE TRIGGER audit_no_delete before delete on audit
  when old.seq > (select coalesce(max(last), 0) from audit_pack)
  begin select raise(abort, 'audit events are never removed'); end;

CREATE TRIGGER audit_no_update before update on audit begin select raise(abort, 'audit events are never changed'); end;

CREATE TRIGGER audit_pack_no_delete before delete on audit_pack begin select raise(abort, 'audit events are never removed'); end;

CREATE TRIGGER audit_pack_no_update before update of first, last, since, until, hash, events on audit_pack
  begin select raise(abort, 'audit events are never changed'); end;

CREATE TRIGGER audit_pack_unseal after update on audit_pack when new.crc is old.crc and new.crc is not null begin
  update audit_pack set crc = null where first = new.first;
end;

CREATE TRIGGER change_unseal after update on change when new.crc is old.crc and new.crc is not null begin
  update change set crc = null where run = new.run and object = new.object and object_id = new.object_id;
end;

CREATE TRIGGER decision_unseal after update on decision when new.crc is old.crc and new.crc is not null begin
  update decision set crc = null where rowid = new.rowid;
end;

CREATE TRIGGER entitlement_unseal after update on entitlement when new.crc is old.crc and new.crc is not null begin
  update entitlement set crc = null where id = new.id;
end;

CREATE TRIGGER guard_verdict_unseal after update on guard_verdict when new.crc is old.crc and new.crc is not null begin
  update guard_verdict set crc = null where run = new.run and seq = new.seq;
end;

CREATE TRIGGER identity_unseal after update of name, type, status, attrs, sources on identity
  when new.crc is old.crc and new.crc is not null begin
  update identity set crc = null where id = new.id;
end;

CREATE TRIGGER left_out_unseal after update on left_out when new.crc is old.crc and new.crc is not null begin
  update left_out set crc = null where run = new.run and seq = new.seq;
end;

CREATE TRIGGER meta_unseal after update on meta when new.crc is old.crc and new.crc is not null begin
  update meta set crc = null where key = new.key;
end;

CREATE TRIGGER outbox_unseal after update on outbox when new.crc is old.crc and new.crc is not null begin
  update outbox set crc = null where id = new.id;
end;

CREATE TRIGGER output_file_unseal after update on output_file when new.crc is old.crc and new.crc is not null begin
  update output_file set crc = null where run = new.run and path = new.path;
end;

CREATE TRIGGER pruned_unseal after update on pruned when new.crc is old.crc and new.crc is not null begin
  update pruned set crc = null where run = new.run and what = new.what;
end;

CREATE TRIGGER question_unseal after update on question when new.crc is old.crc and new.crc is not null begin
  update question set crc = null where account_id = new.account_id;
end;

CREATE TRIGGER reject_unseal after update on reject when new.crc is old.crc and new.crc is not null begin
  update reject set crc = null where run = new.run and seq = new.seq;
end;

CREATE TRIGGER removed_unseal after update on removed when new.crc is old.crc and new.crc is not null begin
  update removed set crc = null where run = new.run and object = new.object and first = new.first;
end;

CREATE TRIGGER schedule_fire_unseal after update on schedule_fire when new.crc is old.crc and new.crc is not null begin
  update schedule_fire set crc = null where schedule = new.schedule and nominal = new.nominal;
end;

CREATE TRIGGER schedule_unseal after update on schedule when new.crc is old.crc and new.crc is not null begin
  update schedule set crc = null where id = new.id;
end;

CREATE TRIGGER task_health_unseal after update on task_health when new.crc is old.crc and new.crc is not null begin
  update task_health set crc = null where task = new.task;
end;

CREATE TRIGGER task_message_unseal after update on task_message when new.crc is old.crc and new.crc is not null begin
  update task_message set crc = null where run = new.run and seq = new.seq;
end;

CREATE TRIGGER task_result_unseal after update on task_result when new.crc is old.crc and new.crc is not null begin
  update task_result set crc = null where id = new.id;
end;

CREATE TRIGGER task_section_unseal after update on task_section when new.crc is old.crc and new.crc is not null begin
  update task_section set crc = null where run = new.run and seq = new.seq;
end;

CREATE TRIGGER undo_left_unseal after update on undo_left when new.crc is old.crc and new.crc is not null begin
  update undo_left set crc = null where run = new.run and object = new.object and object_id = new.object_id;
end;

CREATE TABLE "access"(
  account_id integer not null references account(id),
  entitlement_id integer not null references entitlement(id),
  since integer not null,
  until integer,
  until_again integer generated always as (until) stored,
  primary key (account_id, entitlement_id, since)
) strict, without rowid;

CREATE TABLE "account"(
  id integer primary key autoincrement,
  application_id integer not null references application(id),
  native text not null,
  retired integer not null default 0,
  shown text,
  uuid text,
  display text,
  use text not null default 'personal',
  flags integer not null default 0,
  times text check (times is null or json_valid(times)),
  owner text,
  state text not null default 'active' check (state in ('active','missing','gone')),
  state_run integer not null,
  identity_id integer references identity(id),
  link_by text not null default 'none' check (link_by in ('rule','person','created','none')),
  link_rule integer,
  link_run integer not null,
  unconfirmed integer not null default 0 check (unconfirmed in (0, 1)),
  keys blob,
  attrs text not null check (json_valid(attrs)),
  hash blob not null,
  created_run integer not null,
  changed_run integer not null,
  sums integer generated always as (application_id * 3 + retired * 5 + flags * 7 + state_run * 11 + coalesce(identity_id, -1) * 13 + coalesce(link_rule, -1) * 17
    + link_run * 19 + unconfirmed * 23 + created_run * 29 + changed_run * 31) stored,
  keys_again blob generated always as (keys) stored
) strict;

CREATE TABLE account_seen(
  account_id integer primary key references account(id) on delete cascade,
  application_id integer not null,
  mac blob not null,
  mac_again blob generated always as (mac) stored
) strict;

CREATE TABLE acknowledgement(
  run integer primary key references task_result(id) on delete cascade,
  actor text not null check (json_valid(actor)),
  at text not null,
  comment text not null
, crc integer) strict;

CREATE TABLE application(
  id integer primary key autoincrement,
  name text not null unique,
  token text,
  full_read_needed integer not null default 0 check (full_read_needed in (0, 1))
, crc integer) strict;

CREATE TABLE audit(
  seq integer primary key,
  at text not null,
  actor text not null,
  action text not null,
  object text not null,
  key text not null,
  run text,
  body text not null check (json_valid(body)),
  hash blob not null
) strict;

CREATE TABLE audit_pack(
  first integer primary key,
  last integer not null unique,
  since text not null,
  until text not null,
  hash blob not null,
  events blob not null
, crc integer) strict;

CREATE TABLE change(
  run integer not null,
  object text not null,
  object_id integer not null,
  before text not null check (json_valid(before)), crc integer,
  primary key (run, object, object_id)
) strict, without rowid;

CREATE TABLE decision(
  account_id integer not null references account(id) on delete cascade,
  kind text not null check (kind in ('link','unlink','never')),
  identity_id integer references identity(id) on delete cascade,
  run integer not null,
  reason text not null,
  actor text not null check (json_valid(actor)),
  at text not null, crc integer,
  check ((kind = 'unlink') = (identity_id is null))
) strict;

CREATE TABLE entitlement(
  id integer primary key autoincrement,
  application_id integer not null references application(id),
  attribute text not null,
  value text not null,
  shown text,
  display text,
  description text,
  owner text,
  state text not null default 'active' check (state in ('active','gone')),
  tags text check (tags is null or json_valid(tags)),
  created_run integer not null
, crc integer, catalogue_run integer, absent_run integer, changed_run integer) strict;

CREATE TABLE entitlement_gives(
  entitlement_id integer not null references entitlement(id) on delete cascade,
  given_id integer not null references entitlement(id) on delete cascade,
  primary key (entitlement_id, given_id)
) strict, without rowid;

CREATE TABLE guard_verdict(
  run integer not null references task_result(id) on delete cascade,
  seq integer not null,
  guard text not null,
  application text not null,
  value real not null,
  "limit" real not null,
  verdict text not null check (verdict in ('passed','tripped','allowed','off','warning')),
  text text not null,
  first text not null check (json_valid(first)), crc integer,
  primary key (run, seq)
) strict, without rowid;

CREATE TABLE "identity"(
  id integer primary key autoincrement,
  name text not null,
  type text not null default 'person',
  status text not null check (status in ('prehire','active','leave','inactive')),
  manager_id integer references identity(id),
  application_id integer references application(id),
  attrs text not null check (json_valid(attrs)),
  sources text not null default '{}' check (json_valid(sources)),
  frozen integer not null default 0 check (frozen in (0, 1)),
  marked integer not null default 1 check (marked in (0, 1)),
  created_run integer not null,
  changed_run integer not null,
  sums integer generated always as (coalesce(manager_id, -1) * 3 + coalesce(application_id, -1) * 5 + frozen * 7 + marked * 11 + created_run * 13 + changed_run * 17) stored
, crc integer) strict;

CREATE TABLE left_out(
  run integer not null references task_result(id) on delete cascade,
  seq integer not null,
  section text not null,
  reason text not null check (reason in ('forbidden','notAccepted','quarantined')),
  kind text not null,
  object text not null,
  count integer not null,
  first text not null check (json_valid(first)), crc integer,
  primary key (run, seq)
) strict, without rowid;

CREATE TABLE meta(key text primary key, value text not null, crc integer) strict, without rowid;

CREATE TABLE outbox(
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
, crc integer) strict;

CREATE TABLE output_file(
  run integer not null references task_result(id) on delete cascade,
  path text not null,
  rows integer not null,
  sha256 text not null, crc integer,
  primary key (run, path)
) strict, without rowid;

CREATE TABLE pruned(
  run integer not null references task_result(id) on delete cascade,
  what text not null check (what in ('rejects','images')), crc integer,
  primary key (run, what)
) strict, without rowid;

CREATE TABLE question(
  account_id integer primary key references account(id) on delete cascade,
  kind text not null check (kind in ('ambiguous','decisive','inactive','sameAs','moved')),
  code text not null,
  rule integer,
  value text,
  candidates text not null default '[]' check (json_valid(candidates)),
  since integer not null
, crc integer) strict;

CREATE TABLE reject(
  run integer not null references task_result(id) on delete cascade,
  seq integer not null,
  application text not null,
  code text not null,
  reason text not null,
  file text not null,
  line integer,
  "column" text,
  native text,
  fragment text, crc integer,
  primary key (run, seq)
) strict, without rowid;

CREATE TABLE removed(
  run integer not null,
  object text not null,
  first integer not null,
  last integer not null,
  objects integer not null,
  images text not null check (json_valid(images)), crc integer,
  unique (run, object, first)
) strict;

CREATE TABLE schedule(
  id text primary key,
  since text not null,
  paused_at text,
  paused_until text
, crc integer, timing text) strict, without rowid;

CREATE TABLE schedule_fire(
  schedule text not null,
  nominal text not null,
  run integer references task_result(id) on delete set null,
  at text not null,
  outcome text not null check (outcome in ('run','missed')), crc integer,
  primary key (schedule, nominal)
) strict, without rowid;

CREATE TABLE task_health(
  task text primary key,
  failing_since text,
  missed integer not null default 0 check (missed in (0, 1))
, crc integer) strict, without rowid;

CREATE TABLE task_message(
  run integer not null references task_result(id) on delete cascade,
  seq integer not null,
  level text not null check (level in ('info','warning','error')),
  code text not null,
  text text not null,
  item text, crc integer,
  primary key (run, seq)
) strict, without rowid;

CREATE TABLE task_result(
  id integer primary key autoincrement,
  result_id text not null unique,
  task text not null,
  executor text not null,
  parent integer references task_result(id),
  status text not null check (status in ('queued','running','success','warning','error','terminated','skipped','missed')),
  exit_code integer,
  stopped_by text,
  trigger text not null check (trigger in ('manual','schedule','sequence','api')),
  actor text not null check (json_valid(actor)),
  host text not null,
  pid integer not null,
  process_start text,
  boot_id text,
  dry_run integer not null default 0 check (dry_run in (0, 1)),
  arguments text not null check (json_valid(arguments)),
  definition text not null,
  definition_sha256 text not null,
  definition_git text check (definition_git is null or json_valid(definition_git)),
  tool_version text not null,
  queued_at text not null,
  started_at text,
  ended_at text,
  heartbeat_at text,
  duration_ms integer,
  stop_requested text,
  progress text check (progress is null or json_valid(progress)),
  checkpoint text check (checkpoint is null or json_valid(checkpoint)),
  crashes integer not null default 0,
  plan_hash text,
  counts text not null default '{}' check (json_valid(counts)),
  quality text check (quality is null or json_valid(quality)),
  rejects_total integer not null default 0,
  audit_seq integer
, crc integer) strict;

CREATE TABLE task_section(
  run integer not null references task_result(id) on delete cascade,
  seq integer not null,
  application_id integer references application(id),
  name text not null,
  status text not null,
  read_at text,
  evidence text check (evidence is null or json_valid(evidence)),
  digest text,
  token text,
  counts text not null default '{}' check (json_valid(counts)),
  facts text check (facts is null or json_valid(facts)), crc integer, began_at text, ended_at text,
  primary key (run, seq)
) strict, without rowid;

CREATE TABLE undo_left(
  run integer not null references task_result(id) on delete cascade,
  object text not null check (object in ('account','identity','entitlement')),
  object_id integer not null, crc integer,
  primary key (run, object, object_id)
) strict, without rowid;

CREATE INDEX access_entitlement on access(entitlement_id, account_id);

CREATE INDEX account_absent on account(application_id, state) where state <> 'active';

CREATE INDEX account_identity on account(identity_id);

CREATE UNIQUE INDEX account_native on account(application_id, native, retired);

CREATE INDEX account_seen_again on account_seen(application_id, account_id) where mac = x'0000000000000000';

CREATE INDEX account_unowned on account(application_id) where identity_id is null;

CREATE INDEX account_uuid on account(application_id, uuid) where uuid is not null;

CREATE INDEX acknowledgement_unsealed on acknowledgement(crc) where crc is null;

CREATE INDEX application_unsealed on application(crc) where crc is null;

CREATE INDEX audit_pack_unsealed on audit_pack(crc) where crc is null;

CREATE INDEX change_unsealed on change(crc) where crc is null;

CREATE INDEX decision_account on decision(account_id);

CREATE INDEX decision_identity on decision(identity_id);

CREATE UNIQUE INDEX decision_never on decision(account_id, identity_id) where kind = 'never';

CREATE UNIQUE INDEX decision_owner on decision(account_id) where kind <> 'never';

CREATE INDEX decision_unsealed on decision(crc) where crc is null;

CREATE INDEX entitlement_given on entitlement_gives(given_id, entitlement_id);

CREATE INDEX entitlement_unsealed on entitlement(crc) where crc is null;

CREATE UNIQUE INDEX entitlement_value on entitlement(application_id, attribute, value);

CREATE INDEX guard_verdict_unsealed on guard_verdict(crc) where crc is null;

CREATE INDEX identity_manager on identity(manager_id) where manager_id is not null;

CREATE INDEX identity_marked on identity(id) where marked = 1;

CREATE UNIQUE INDEX identity_name on identity(name);

CREATE INDEX identity_unsealed on identity(crc) where crc is null;

CREATE INDEX left_out_unsealed on left_out(crc) where crc is null;

CREATE INDEX meta_unsealed on meta(crc) where crc is null;

CREATE INDEX outbox_batch on outbox(batch) where batch is not null;

CREATE INDEX outbox_due on outbox(next_at) where state = 'waiting';

CREATE INDEX outbox_run on outbox(run);

CREATE INDEX outbox_unsealed on outbox(crc) where crc is null;

CREATE INDEX output_file_unsealed on output_file(crc) where crc is null;

CREATE INDEX pruned_unsealed on pruned(crc) where crc is null;

CREATE INDEX question_unsealed on question(crc) where crc is null;

CREATE INDEX reject_unsealed on reject(crc) where crc is null;

CREATE INDEX removed_unsealed on removed(crc) where crc is null;

CREATE INDEX schedule_fire_run on schedule_fire(run);

CREATE INDEX schedule_fire_unsealed on schedule_fire(crc) where crc is null;

CREATE INDEX schedule_unsealed on schedule(crc) where crc is null;

CREATE INDEX task_health_unsealed on task_health(crc) where crc is null;

CREATE INDEX task_message_unsealed on task_message(crc) where crc is null;

CREATE INDEX task_result_live on task_result(status) where status in ('queued','running');

CREATE INDEX task_result_task on task_result(task, id);

CREATE INDEX task_result_unsealed on task_result(crc) where crc is null;

CREATE INDEX task_section_application on task_section(application_id, run);

CREATE INDEX task_section_unsealed on task_section(crc) where crc is null;

CREATE INDEX undo_left_unsealed on undo_left(crc) where crc is null;
