import type { Command, CommandGroup } from '../command.ts'
import { account } from './account.ts'
import { application } from './application.ts'
import { audit } from './audit.ts'
import { completion } from './completion.ts'
import { config } from './config.ts'
import { doctor } from './doctor.ts'
import { entitlement } from './entitlement.ts'
import { explain } from './explain.ts'
import { logs, watch } from './follow.ts'
import { identity } from './identity.ts'
import { init } from './init.ts'
import { ps, recover, stop } from './live.ts'
import { notify } from './notify.ts'
import { apply, plan } from './plan.ts'
import { results } from './results.ts'
import { retry } from './retry.ts'
import { run, undo } from './run.ts'
import { schedule } from './schedule.ts'
import { schema } from './schema.ts'
import { store } from './store.ts'
import { task } from './task.ts'
import { why } from './why.ts'

/** How help lists them: what one does every day first. */
export const headings: Readonly<Record<string, readonly string[]>> = {
  'Do:': ['init', 'run', 'plan', 'apply', 'undo', 'retry', 'recover', 'stop'],
  'Look:': ['results', 'watch', 'logs', 'ps', 'why', 'explain', 'doctor'],
  'What there is:': ['task', 'schedule', 'application', 'account', 'identity', 'entitlement'],
  'Around it:': ['config', 'store', 'audit', 'notify', 'schema', 'completion'],
}

export const commands: readonly Command[] = [
  init,
  run,
  plan,
  apply,
  undo,
  retry,
  ps,
  stop,
  recover,
  watch,
  logs,
  schema,
  why,
  explain,
  doctor,
  completion,
]
export const groups: readonly CommandGroup[] = [
  results,
  task,
  schedule,
  application,
  account,
  identity,
  entitlement,
  config,
  store,
  audit,
  notify,
]
