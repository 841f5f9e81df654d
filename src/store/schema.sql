CREATE TRIGGER access_removed after delete on access begin update account_seen set mac = zeroblob(8) where account_id = old.account_id; end;

CREATE TRIGGER access_touched after update on access begin update account_seen set mac = zeroblob(8) where account_id = old.account_id; end;

CREATE TRIGGER account_touched after update of native, retired, shown, uuid, display, use, flags, times, owner, state, identity_id, link_by, keys,
  attrs, hash on account begin update account_seen set mac = zeroblob(8) where account_id = old.id; end;

CREATE TRIGGER audit_no_delete before delete on audit begin select raise(abort, 'audit events are never removed'); end;

CREATE TRIGGER audit_no_update before update on audit begin select raise(abort, 'audit events are never changed'); end;

CREATE TABLE access(
  account_id integer not null references account(id),
  entitlement_id integer not null references entitlement(id),
  since integer not null,
  until integer,
  primary key (account_id, entitlement_id, since)
) strict, without rowid;

CREATE TABLE account(
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
  changed_run integer not null
) strict;

CREATE TABLE account_seen(
  account_id integer primary key references account(id) on delete cascade,
  application_id integer not null,
  mac blob not null
) strict;

CREATE TABLE application(
  id integer primary key autoincrement,
  name text not null unique,
  token text,
  full_read_needed integer not null default 0 check (full_read_needed in (0, 1))
) strict;

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

CREATE TABLE change(
  run integer not null,
  object text not null,
  object_id integer not null,
  before text not null check (json_valid(before)),
  primary key (run, object, object_id)
) strict, without rowid;

CREATE TABLE decision(
  account_id integer not null references account(id) on delete cascade,
  kind text not null check (kind in ('link','unlink','never')),
  identity_id integer references identity(id) on delete cascade,
  run integer not null,
  reason text not null,
  actor text not null check (json_valid(actor)),
  at text not null,
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
, catalogue_run integer, absent_run integer, changed_run integer) strict;

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
  first text not null check (json_valid(first)),
  primary key (run, seq)
) strict, without rowid;

CREATE TABLE identity(
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
  changed_run integer not null
) strict;

CREATE TABLE left_out(
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

CREATE TABLE meta(key text primary key, value text not null) strict, without rowid;

CREATE TABLE output_file(
  run integer not null references task_result(id) on delete cascade,
  path text not null,
  rows integer not null,
  sha256 text not null,
  primary key (run, path)
) strict, without rowid;

CREATE TABLE question(
  account_id integer primary key references account(id) on delete cascade,
  kind text not null check (kind in ('ambiguous','decisive','inactive','sameAs','moved')),
  code text not null,
  rule integer,
  value text,
  candidates text not null default '[]' check (json_valid(candidates)),
  since integer not null
) strict;

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
  fragment text,
  primary key (run, seq)
) strict, without rowid;

CREATE TABLE task_message(
  run integer not null references task_result(id) on delete cascade,
  seq integer not null,
  level text not null check (level in ('info','warning','error')),
  code text not null,
  text text not null,
  item text,
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
) strict;

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
  facts text check (facts is null or json_valid(facts)),
  primary key (run, seq)
) strict, without rowid;

CREATE INDEX access_entitlement on access(entitlement_id, account_id);

CREATE INDEX account_absent on account(application_id, state) where state <> 'active';

CREATE INDEX account_identity on account(identity_id);

CREATE UNIQUE INDEX account_native on account(application_id, native, retired);

CREATE INDEX account_unowned on account(application_id) where identity_id is null;

CREATE INDEX account_uuid on account(application_id, uuid) where uuid is not null;

CREATE INDEX decision_identity on decision(identity_id);

CREATE UNIQUE INDEX decision_never on decision(account_id, identity_id) where kind = 'never';

CREATE UNIQUE INDEX decision_owner on decision(account_id) where kind <> 'never';

CREATE INDEX entitlement_given on entitlement_gives(given_id, entitlement_id);

CREATE UNIQUE INDEX entitlement_value on entitlement(application_id, attribute, value);

CREATE INDEX identity_manager on identity(manager_id) where manager_id is not null;

CREATE INDEX identity_marked on identity(id) where marked = 1;

CREATE UNIQUE INDEX identity_name on identity(name);

CREATE INDEX task_result_live on task_result(status) where status in ('queued','running');

CREATE INDEX task_result_task on task_result(task, id);

CREATE INDEX task_section_application on task_section(application_id, run);
