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

/** How help lists them: what one does every day first. Each is looked at when it is asked for, because a start needs one. */
const byHeading: Readonly<Record<string, Readonly<Record<string, () => Command | CommandGroup>>>> = {
  'Do:': {
    init: () => init,
    run: () => run,
    plan: () => plan,
    apply: () => apply,
    undo: () => undo,
    retry: () => retry,
    recover: () => recover,
    stop: () => stop,
  },
  'Look:': {
    results: () => results,
    watch: () => watch,
    logs: () => logs,
    ps: () => ps,
    why: () => why,
    explain: () => explain,
    doctor: () => doctor,
  },
  'What there is:': {
    task: () => task,
    schedule: () => schedule,
    application: () => application,
    account: () => account,
    identity: () => identity,
    entitlement: () => entitlement,
  },
  'Around it:': {
    config: () => config,
    store: () => store,
    audit: () => audit,
    notify: () => notify,
    schema: () => schema,
    completion: () => completion,
  },
}

export const headings: readonly (readonly [heading: string, names: readonly string[]])[] = Object.entries(
  byHeading,
).map(([heading, entries]) => [heading, Object.keys(entries)])

const byName = new Map(Object.values(byHeading).flatMap((entries) => Object.entries(entries)))
export const commandNames: readonly string[] = [...byName.keys()]

const isGroup = (one: Command | CommandGroup): one is CommandGroup => 'commands' in one

export function commandNamed(name: string | undefined): Command | undefined {
  const found = byName.get(name ?? '')?.()
  return found === undefined || isGroup(found) ? undefined : found
}

export function groupNamed(name: string | undefined): CommandGroup | undefined {
  const found = byName.get(name ?? '')?.()
  return found === undefined || !isGroup(found) ? undefined : found
}
