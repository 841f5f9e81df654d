import type { Generated } from 'kysely'
import type { AuditPackRow, AuditRow } from './schema-audit.ts'
import type { OutboxTableRow, PrunedRow, TaskHealthRow } from './schema-notify.ts'
import type { ScheduleFireRow, ScheduleRow } from './schema-schedules.ts'

/** The tables as Kysely sees them; the migrations are their source, `test/store/schema.test.ts` holds the two equal. */
export interface MetaRow {
  key: string
  value: string
  crc: Generated<number>
}

export interface ApplicationRow {
  id: Generated<number>
  name: string
  token: string | null
  full_read_needed: Generated<number>
  crc: Generated<number>
}

export interface TaskResultRow {
  id: Generated<number>
  result_id: string
  task: string
  executor: string
  parent: number | null
  status: string
  exit_code: number | null
  stopped_by: string | null
  trigger: string
  actor: string
  host: string
  pid: number
  process_start: string | null
  boot_id: string | null
  dry_run: Generated<number>
  arguments: string
  definition: string
  definition_sha256: string
  definition_git: string | null
  tool_version: string
  queued_at: string
  started_at: string | null
  ended_at: string | null
  heartbeat_at: string | null
  duration_ms: number | null
  stop_requested: string | null
  progress: string | null
  checkpoint: string | null
  crashes: Generated<number>
  plan_hash: string | null
  counts: Generated<string>
  quality: string | null
  rejects_total: Generated<number>
  audit_seq: number | null
  crc: Generated<number>
}

export interface TaskSectionRow {
  run: number
  seq: number
  application_id: number | null
  name: string
  status: string
  read_at: string | null
  evidence: string | null
  digest: string | null
  token: string | null
  counts: Generated<string>
  facts: string | null
  crc: Generated<number>
  began_at: string | null
  ended_at: string | null
}

export interface TaskMessageRow {
  run: number
  seq: number
  level: string
  code: string
  text: string
  item: string | null
  crc: Generated<number>
}

export interface RejectRow {
  run: number
  seq: number
  application: string
  code: string
  reason: string
  file: string
  line: number | null
  column: string | null
  native: string | null
  fragment: string | null
  crc: Generated<number>
}

export interface GuardVerdictRow {
  run: number
  seq: number
  guard: string
  application: string
  value: number
  limit: number
  verdict: string
  text: string
  first: string
  crc: Generated<number>
}

export interface OutputFileRow {
  run: number
  path: string
  rows: number
  sha256: string
  crc: Generated<number>
}

export interface IdentityRow {
  id: Generated<number>
  name: string
  type: Generated<string>
  status: string
  manager_id: number | null
  application_id: number | null
  attrs: string
  sources: Generated<string>
  frozen: Generated<number>
  marked: Generated<number>
  created_run: number
  changed_run: number
  crc: Generated<number>
}

export interface AccountRow {
  id: Generated<number>
  application_id: number
  native: string
  retired: Generated<number>
  shown: string | null
  uuid: string | null
  display: string | null
  use: Generated<string>
  flags: Generated<number>
  times: string | null
  owner: string | null
  state: Generated<string>
  state_run: number
  identity_id: number | null
  link_by: Generated<string>
  link_rule: number | null
  link_run: number
  unconfirmed: Generated<number>
  keys: Buffer | null
  attrs: string
  hash: Buffer
  created_run: number
  changed_run: number
}

export interface EntitlementRow {
  id: Generated<number>
  application_id: number
  attribute: string
  value: string
  shown: string | null
  display: string | null
  description: string | null
  owner: string | null
  state: Generated<string>
  tags: string | null
  created_run: number
  crc: Generated<number>
  catalogue_run: number | null
  absent_run: number | null
  changed_run: number | null
}

export interface EntitlementGivesRow {
  entitlement_id: number
  given_id: number
}

export interface AccessRow {
  account_id: number
  entitlement_id: number
  since: number
  until: number | null
}

export interface AccountSeenRow {
  account_id: number
  application_id: number
  mac: Buffer
}

export interface QuestionRow {
  account_id: number
  kind: string
  code: string
  rule: number | null
  value: string | null
  candidates: Generated<string>
  since: number
  crc: Generated<number>
}

export interface DecisionRow {
  account_id: number
  kind: string
  identity_id: number | null
  run: number
  reason: string
  actor: string
  at: string
  crc: Generated<number>
}

export interface AcknowledgementRow {
  run: Generated<number>
  actor: string
  at: string
  comment: string
  crc: Generated<number>
}

export interface ChangeRow {
  run: number
  object: string
  object_id: number
  before: string
  crc: Generated<number>
}

export interface RemovedRow {
  run: number
  object: string
  first: number
  last: number
  objects: number
  images: string
  crc: Generated<number>
}

export interface UndoLeftRow {
  run: number
  object: string
  object_id: number
  crc: Generated<number>
}

export interface LeftOutRow {
  run: number
  seq: number
  section: string
  reason: string
  kind: string
  object: string
  count: number
  first: string
  crc: Generated<number>
}

export interface Tables {
  meta: MetaRow
  application: ApplicationRow
  task_result: TaskResultRow
  task_section: TaskSectionRow
  task_message: TaskMessageRow
  reject: RejectRow
  guard_verdict: GuardVerdictRow
  output_file: OutputFileRow
  identity: IdentityRow
  account: AccountRow
  entitlement: EntitlementRow
  entitlement_gives: EntitlementGivesRow
  access: AccessRow
  account_seen: AccountSeenRow
  question: QuestionRow
  decision: DecisionRow
  acknowledgement: AcknowledgementRow
  change: ChangeRow
  removed: RemovedRow
  audit: AuditRow
  audit_pack: AuditPackRow
  left_out: LeftOutRow
  undo_left: UndoLeftRow
  task_health: TaskHealthRow
  outbox: OutboxTableRow
  schedule: ScheduleRow
  schedule_fire: ScheduleFireRow
  pruned: PrunedRow
}
