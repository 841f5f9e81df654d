import type { TaskResultDocument } from './documents.ts'
import { glob } from './normalize.ts'
import type { Digest, NotifyEvent, NotifyRule } from './notify-settings.ts'
import { notifyEvents } from './notify-settings.ts'
import type { RunStatus } from './result.ts'

/** What one run has to say, complete in itself: it can be sent long after the run, and again. */
export interface Notification {
  readonly schema: 'iqtask/Notification/1'
  /** The same at every attempt: receivers tell repetitions by it. */
  readonly id: string
  readonly event: NotifyEvent
  readonly project: string
  readonly task: string
  readonly at: string
  readonly result: {
    readonly id: string
    readonly status: RunStatus
    readonly stoppedBy: string | null
    readonly exitCode: number | null
    readonly durationMs: number | null
    readonly trigger: string
    readonly host: string
    readonly counts: Readonly<Record<string, number>>
  }
  /** The result with which the task began to fail; null while it is well. */
  readonly failingSince: string | null
  readonly guards: readonly { readonly guard: string; readonly application: string; readonly text: string }[]
  /** Errors and warnings of the run, then its rejects by code: the first ten. */
  readonly failures: readonly string[]
  /** How many more there are. */
  readonly more: number
  /** What to type next. */
  readonly commands: readonly string[]
}

/** What is remembered of a task from run to run. */
export interface TaskHealth {
  readonly failingSince: string | null
  /** Its last fire was missed. */
  readonly missed: boolean
}

type Ended = Pick<TaskResultDocument, 'id' | 'status' | 'stoppedBy' | 'trigger' | 'dryRun'>

/**
 * What the end of a run means for its task. `error` and `guard` speak when it begins to fail, `still-failing` at every failure after that,
 * `recovered` at the first run that succeeds again. A dry run, a run that a person stopped and a step of a sequence say nothing: the
 * sequence speaks for its steps.
 */
export function judgeHealth(
  run: Ended,
  changed: boolean,
  before: TaskHealth,
): { readonly events: readonly NotifyEvent[]; readonly after: TaskHealth } {
  const silent = { events: [], after: before }
  if (run.dryRun || run.trigger === 'sequence') return silent
  if (run.status === 'missed') return { events: before.missed ? [] : ['missed'], after: { ...before, missed: true } }
  if (run.status === 'success' || run.status === 'warning') {
    const events: NotifyEvent[] = [run.status]
    if (before.failingSince !== null) events.unshift('recovered')
    if (changed) events.push('changed')
    return { events, after: { failingSince: null, missed: false } }
  }
  const failed =
    run.status === 'error' || (run.status === 'terminated' && /^(crash|timeout)$/.test(run.stoppedBy ?? ''))
  if (!failed) return silent
  const begins = run.stoppedBy === 'guard' ? 'guard' : 'error'
  return {
    events: [before.failingSince === null ? begins : 'still-failing'],
    after: { failingSince: before.failingSince ?? run.id, missed: false },
  }
}

export interface Notice {
  readonly channel: string
  readonly event: NotifyEvent
  readonly digest: Digest | undefined
}

/** Who is told of the events, each channel once a run: at once, where any rule says so. */
export function planNotices(task: string, events: readonly NotifyEvent[], rules: readonly NotifyRule[]): Notice[] {
  const notices = new Map<string, Notice>()
  const telling = notifyEvents.filter((event) => events.includes(event))
  const fitting = rules.filter((rule) => rule.tasks.some((pattern) => glob(pattern)(task)))
  for (const digested of [false, true])
    for (const event of telling)
      for (const rule of fitting) {
        if ((rule.digest !== undefined) !== digested || !rule.on.includes(event)) continue
        for (const channel of rule.channels)
          if (!notices.has(channel)) notices.set(channel, { channel, event, digest: rule.digest })
      }
  return [...notices.values()]
}

const most = 10
/** A text of data has no business being a novel in a mail. */
const textLength = 500

export function notificationOf(
  result: TaskResultDocument,
  about: { readonly id: string; readonly event: NotifyEvent; readonly project: string; readonly at: string },
  failingSince: string | null,
): Notification {
  const tripped = result.guards.filter(({ verdict }) => verdict === 'tripped')
  const failures = [
    ...result.messages
      .filter(({ level }) => level !== 'info')
      .map(({ code, text, item }) => `${code} ${item === undefined ? '' : `${item}: `}${text}`.slice(0, textLength)),
    ...Object.entries(result.rejects.byCode).map(([code, count]) => `${count} × ${code} rejected`),
  ]
  const { id, status, stoppedBy, exitCode, durationMs, trigger, host, counts, task } = result
  return {
    schema: 'iqtask/Notification/1',
    ...about,
    task,
    result: { id, status, stoppedBy, exitCode, durationMs, trigger, host, counts },
    failingSince,
    guards: tripped.slice(0, most).map(({ guard, application, text }) => ({ guard, application, text })),
    failures: failures.slice(0, most),
    more: Math.max(0, failures.length - most),
    commands: commandsOf(
      result,
      tripped.map(({ guard }) => guard),
    ),
  }
}

function commandsOf({ id, task, rejects, stoppedBy, status }: TaskResultDocument, guards: readonly string[]): string[] {
  const short = id.slice(0, 12)
  const commands = [`iqtask results show ${short}`]
  if (rejects.total > 0) commands.push(`iqtask results failures ${short}`)
  if (guards.length > 0) commands.push(`iqtask run ${task} --allow ${[...new Set(guards)].join(',')} --reason "…"`)
  if (stoppedBy === 'crash') commands.push(`iqtask run ${task} --resume`)
  if (status === 'missed') commands.push(`iqtask run ${task}`)
  return commands
}
