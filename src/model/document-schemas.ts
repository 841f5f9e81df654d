import { z } from 'zod'
import { count, document, type Fields, free, object, text, time } from './document-parts.ts'
import type {
  AccountDocument,
  EntitlementDocument,
  ErrorDocument,
  IdentityDocument,
  ProfileDocument,
  QuestionDocument,
  TaskResultDocument,
  WhyDocument,
} from './documents.ts'
import { notifyEvents } from './notify-settings.ts'
import { type PlanChange, planChangeKinds } from './plan-change.ts'
import { evidenceLevels, runStatuses, triggers } from './result.ts'
import { scheduleSchemas } from './schedule-schemas.ts'

/**
 * What a script may rely on in each JSON document: these fields are there, and others may come (`fields only ever added`).
 * The keys are what `iqtask schema KIND` calls them.
 */
const counts = z.record(z.string(), z.number())

const guard = object({
  guard: text,
  application: text,
  value: z.number(),
  limit: z.number(),
  verdict: z.enum(['passed', 'tripped', 'allowed', 'off', 'warning']),
  text,
  first: z.array(text),
})

const notice = { event: z.enum(notifyEvents), channel: text, state: text, attempts: count, error: text.nullable() }

const result = document('TaskResult', {
  id: text,
  task: text,
  executor: text,
  status: z.enum(runStatuses),
  exitCode: count.nullable(),
  stoppedBy: text.nullable(),
  trigger: z.enum(triggers),
  actor: free,
  host: text,
  pid: count,
  toolVersion: text,
  dryRun: z.boolean(),
  queuedAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  durationMs: z.number().nullable(),
  arguments: free,
  progress: free.nullable(),
  counts,
  sections: z.array(
    object({
      application: text,
      status: z.enum(runStatuses),
      beganAt: time.nullable(),
      endedAt: time.nullable(),
      counts,
      evidence: object({
        level: z.enum(evidenceLevels),
        reason: text,
        digest: text.optional(),
        age: z.number().nullable(),
      }).nullable(),
      token: text.nullable(),
      correlation: object({ rate: z.number(), earlier: z.array(z.number()) }).nullable(),
    }),
  ),
  quality: free.nullable(),
  guards: z.array(guard),
  messages: z.array(object({ level: z.enum(['info', 'warning', 'error']), code: text, text, item: text.optional() })),
  leftOut: z.array(free),
  rejects: object({ total: count, byCode: counts }),
  files: z.array(object({ path: text, rows: count, sha256: text })),
  children: z.array(text),
  definition: object({ text, sha256: text, git: free.nullable() }),
  notices: z.array(object({ ...notice, nextAt: time.nullable() })),
  planHash: text.nullable(),
  auditSeq: count.nullable(),
  acknowledged: object({ by: free, at: time, comment: text }).nullable(),
} satisfies Fields<TaskResultDocument>)

const value = z.union([text, z.number(), z.boolean(), z.array(text)])
const account = document('Account', {
  application: text,
  nativeIdentity: text,
  displayName: text.nullable(),
  uuid: text.nullable(),
  use: text,
  state: z.enum(['active', 'missing', 'gone']),
  disabled: z.boolean(),
  locked: z.boolean(),
  lastLogin: text.nullable(),
  identity: text.nullable(),
  correlation: object({
    by: z.enum(['rule', 'person', 'created', 'none']),
    rule: count.nullable(),
    since: text.nullable(),
    unconfirmed: z.boolean(),
  }),
  attributes: z.record(z.string(), value),
  entitlements: z.array(object({ attribute: text, value: text, since: text.nullable() })),
} satisfies Fields<AccountDocument>)

const identity = document('Identity', {
  name: text,
  type: text,
  status: text,
  manager: text.nullable(),
  attributes: z.record(z.string(), value),
  accounts: z.array(object({ application: text, nativeIdentity: text })),
  roles: z.array(free),
} satisfies Fields<IdentityDocument>)

const entitlement = document('Entitlement', {
  application: text,
  attribute: text,
  value: text,
  displayName: text.nullable(),
  description: text.nullable(),
  owner: text.nullable(),
  state: z.enum(['active', 'gone']),
  described: z.boolean(),
  tags: z.array(text),
  gives: z.array(text),
  givenBy: z.array(text),
  holders: count,
} satisfies Fields<EntitlementDocument>)

const profile = document('Profile', {
  file: text,
  rows: count,
  rejected: count,
  columns: z.array(object({ name: text, rows: count, filled: count })),
  pairs: z.array(z.array(text)),
  correlation: z.array(object({ account: text, identity: text, filled: count, one: count, several: count })),
  encoding: text.optional(),
  merge: object({ account: text, value: text, accounts: count, disagreeing: count }).optional(),
  sampled: count,
  proposal: object({ key: z.array(text), attributes: z.array(object({ name: text, type: text })) }),
  text,
} satisfies Fields<ProfileDocument>)

const question = document('Question', {
  application: text,
  nativeIdentity: text,
  displayName: text.nullable(),
  kind: text,
  code: text,
  rule: count.nullable(),
  value: text.nullable(),
  candidates: z.array(text),
  since: text.nullable(),
} satisfies Fields<QuestionDocument>)

const why = document('Why', {
  noun: text,
  id: text,
  field: text.nullable(),
  answer: text,
  facts: z.array(object({ text, result: text.nullable(), at: text.nullable() })),
  rules: z.array(object({ rule: count, account: text, identity: text, value: text.nullable(), found: z.array(text) })),
  question: text.nullable(),
} satisfies Fields<WhyDocument>)

const planChange = object({
  kind: z.enum(planChangeKinds),
  object: text,
  key: text,
  field: text.nullable(),
  before: z.json(),
  after: z.json(),
} satisfies Fields<PlanChange>)

const error = document('Error', {
  code: text,
  message: text,
  hint: text.nullable(),
  place: object({ file: text, line: count.nullable(), column: count.nullable() }).nullable(),
  cause: text.nullable(),
} satisfies Fields<ErrorDocument>)

export const documentSchemas = {
  result,
  list: document('List', { items: z.array(free), total: count, cursor: text.nullable() }),
  account,
  identity,
  entitlement,
  question,
  why,
  profile,
  plan: document('Plan', {
    id: text,
    task: text,
    hash: text,
    createdAt: time,
    expiresAt: time,
    inputs: z.array(free),
    guards: z.array(guard),
    counts,
    changes: count,
  }),
  'plan-change': planChange,
  event: document('Event', {
    seq: count,
    at: time,
    actor: free,
    action: text,
    object: text,
    key: text,
    run: text.nullable(),
    body: free,
    digest: text,
  }),
  error,
  notice: document('Notice', {
    id: text,
    result: text,
    task: text,
    ...notice,
    digest: text.nullable(),
    nextAt: time,
    createdAt: time,
    endedAt: time.nullable(),
  }),
  'notify-test': document('NotifyTest', { channel: text, sent: z.boolean(), error: text.nullable() }),
  'audit-check': document('AuditCheck', {
    sound: z.boolean(),
    events: count,
    findings: z.array(object({ kind: text, seq: count, text })),
  }),
  'audit-checkpoint': document('AuditCheckpoint', { store: text, seq: count, hash: text, at: time }),
  'store-info': document('StoreInfo', {
    path: text,
    id: text,
    created: time,
    bytes: count,
    mode: text,
    schemaVersion: count,
    sqlite: text,
    journalMode: text,
    synchronous: text,
    rows: z.record(z.string(), count),
  }),
  'store-check': document('StoreCheck', {
    sound: z.boolean(),
    findings: z.array(object({ part: text, text })),
  }),
  backup: document('Backup', { path: text, bytes: count, auditSeq: count }),
  restore: document('Restore', { auditSeq: count }),
  migration: document('Migration', { from: count, to: count }),
  'application-definition': document('Application', { name: text, connector: text, file: text, digest: text }),
  'task-definition': document('TaskDefinition', {
    name: text,
    executor: text,
    file: text,
    shipped: z.boolean(),
    sha256: text,
    text,
    argumentsSchema: free.nullable(),
    steps: z
      .array(z.object({ name: text, task: text, when: text, needs: z.array(text), arguments: free, level: count }))
      .nullable(),
  }),
  explanation: document('Explanation', { topic: text, means: text, mend: text.nullable() }),
  doctor: document('Doctor', {
    healthy: z.boolean(),
    fixed: z.array(text),
    findings: z.array(object({ name: text, status: z.enum(['ok', 'warn', 'fail']), text, mend: text.nullable() })),
  }),
  'result-diff': document('ResultDiff', {
    from: text,
    to: text,
    counts: z.array(object({ name: text, from: z.number(), to: z.number() })),
    failures: object({ new: z.array(free), gone: z.array(free), standing: z.array(free) }),
  }),
  'result-stats': document('ResultStats', {
    task: text,
    runs: count,
    looked: count,
    byStatus: counts,
    trends: z.array(object({ name: text, last: z.number(), before: z.number().nullable(), median: z.number() })),
  }),
  export: document('Export', { path: text, rows: count }),
  validation: document('Validation', { valid: z.boolean() }),
  ...scheduleSchemas(result),
  completion: document('Completion', { shell: text, script: text }),
  project: document('Project', { project: text, next: text }),
  'stop-request': document('StopRequest', { id: text, requested: z.boolean() }),
} as const satisfies Readonly<Record<string, z.ZodType>>
