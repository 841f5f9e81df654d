import { resolve as resolvePath } from 'node:path'
import { type Clock, isoText } from './base/clock.ts'
import { UserError } from './base/errors.ts'
import type { JsonObject } from './base/json.ts'
import { didYouMean } from './base/nearest.ts'
import { once } from './base/once.ts'
import { packageVersion } from './base/package.ts'
import type { Redactor } from './base/redact.ts'
import { createRegistry, type Registry } from './base/registry.ts'
import { resolveReferences } from './config/references.ts'
import { parseFile } from './config/text.ts'
import type { TaskResultDocument } from './model/documents.ts'
import type { Ping } from './model/notify-settings.ts'
import type { Project } from './model/project.ts'
import type { TaskDefinition } from './model/task-definition.ts'
import { builtinNotifiers } from './notify/index.ts'
import { type Notifier, totalTimeoutMs } from './notify/notifier.ts'
import { sendPing } from './notify/ping.ts'
import { writeMetrics } from './notify/prometheus.ts'
import { type RunTree, sendTelemetry, type TelemetrySettings } from './notify/telemetry.ts'
import type { Store } from './store/store.ts'
import { type DeliveryOptions, deliver, testChannel } from './task/delivery.ts'
import { keepNotices } from './task/notices.ts'
import type { RunRequest } from './task/run-request.ts'

/** What the outbox waits for at the end of a command that ran nothing. */
const briefMs = 5_000

/** Everything that leaves the tool about its runs. */
export interface Telling {
  readonly notifiers: Registry<Notifier>
  /** From now on the end of every run in this store leaves its messages. */
  watch(store: Store): void
  /** Runs with pings before and after it, and sends what it had to tell. */
  around(
    definition: TaskDefinition,
    request: RunRequest,
    store: () => Store,
    run: () => Promise<TaskResultDocument>,
  ): Promise<TaskResultDocument>
  /** Sends what earlier runs left, briefly. */
  rest(store: Store): Promise<void>
  /** Sends a test message now; gives why it did not arrive, or undefined. */
  test(channel: string): Promise<string | undefined>
}

export interface TellingOptions {
  readonly project: Project
  readonly clock: Clock
  readonly redactor: Redactor
  readonly env: Readonly<Record<string, string | undefined>>
}

export function createTelling({ project, clock, redactor, env }: TellingOptions): Telling {
  const notifiers = once(() => createRegistry('notifier', 'IQ7001', builtinNotifiers))
  const resolve = (settings: JsonObject) => resolveReferences(settings, { env, folder: project.folder, redactor })
  const options = (): DeliveryOptions => ({ project, notifiers: notifiers(), clock, redactor, env, resolve })
  const said = (text: string) => redactor.redact(text)
  /** Traces and metrics to the collector; what did not arrive, in sentences. */
  const observe = async (result: TaskResultDocument, store: () => Store): Promise<string[]> => {
    if (project.telemetry === undefined) return []
    try {
      const settings = resolve({ ...project.telemetry }) as unknown as TelemetrySettings
      await sendTelemetry(settings, { project: project.name, version: packageVersion }, treeOf(result, store()))
      return []
    } catch (error) {
      return [said(`the collector has no trace of this run: ${(error as Error).message}`)]
    }
  }
  const writeStanding = (store: Store): string[] => {
    if (project.metrics === undefined) return []
    const path = resolvePath(project.folder, project.metrics.file)
    try {
      writeMetrics(path, project.metrics.mode, { version: packageVersion, ...store.standing() })
      return []
    } catch (error) {
      return [`${path} was not written: ${(error as Error).message}`]
    }
  }
  return {
    get notifiers() {
      return notifiers()
    },
    watch: (store) => store.runs.onEnd((number) => keepNotices(store, { project, clock, redactor }, number)),
    async around(definition, request, store, run) {
      checkNotify(project, notifiers(), definition)
      const ping = pingsOf(project, definition, request)
      const started = sendPing(ping, 'start', resolve)
      let result: TaskResultDocument | undefined
      try {
        result = await run()
      } finally {
        await started
        // a run that was refused before it had a result has failed all the same
        const good = result?.status === 'success' || result?.status === 'warning' || result?.status === 'skipped'
        await sendPing(ping, good ? 'success' : 'fail', resolve)
      }
      const watched = result.dryRun ? undefined : observe(result, store)
      await deliver(store(), options(), { budgetMs: totalTimeoutMs, signal: request.signal })
      const failures = (await watched) ?? []
      if (!result.dryRun) failures.push(...writeStanding(store()))
      if (result.notices.length === 0 && failures.length === 0) return result
      noteFailures(store(), result, failures)
      return store().results.find(result.id)
    },
    async rest(store) {
      if (store.outbox.isDue(isoText(clock.now()))) await deliver(store, options(), { budgetMs: briefMs })
    },
    async test(channel) {
      checkChannel(project, channel, undefined)
      return testChannel(options(), channel, AbortSignal.timeout(totalTimeoutMs))
    },
  }
}

const treeOf = (result: TaskResultDocument, store: Store): RunTree => ({
  result,
  steps: result.children.map((id) => treeOf(store.results.find(id), store)),
})

/** The run is over, and stays what it was: whoever looks at it is told. */
function noteFailures(store: Store, { id, task }: TaskResultDocument, failures: readonly string[]): void {
  store.db.write(() => {
    for (const text of failures)
      store.runs.message(store.runs.numberOf(id), { level: 'warning', code: 'IQ7003', text, item: task })
  })
}

/** Steps of a sequence and dry runs are no business of a monitor. */
function pingsOf(project: Project, definition: TaskDefinition, request: RunRequest): Ping {
  if (request.trigger === 'sequence' || (request.dryRun ?? definition.dryRun)) return {}
  return { ...project.notify.ping, ...definition.notify.ping }
}

/** A rule names channels that are there, a channel a kind that is there. @throws UserError IQ7001 with the place */
export function checkNotify(project: Project, notifiers: Registry<Notifier>, definition?: TaskDefinition): void {
  for (const [name, settings] of Object.entries(project.notify.channels)) {
    const at = (path: readonly PropertyKey[]) => parseFile(project.file).place(['notify', 'channels', name, ...path])
    if (!notifiers.has(settings.type))
      throw new UserError(`the channel ${name} has the unknown type "${settings.type}"`, {
        code: 'IQ7001',
        hint: didYouMean(settings.type, notifiers.names) ?? `types: ${notifiers.names.join(', ')}`,
        place: at(['type']),
      })
    if (settings.type === 'command' && JSON.stringify(settings).includes('${'))
      throw new UserError(`the channel ${name} would hand a secret over as an argument, which every user can read`, {
        code: 'IQ7001',
        hint: 'let the program read it itself, from a file of its own',
        place: at(['run']),
      })
    // references stand in for values that only the moment of sending knows
    if (JSON.stringify(settings).includes('${')) continue
    const { type, timeout: _, ...own } = settings
    const done = notifiers.get(type).settings.safeParse(own)
    const issue = done.error?.issues[0]
    if (issue !== undefined)
      throw new UserError(`notify.channels.${[name, ...issue.path].join('.')}: ${issue.message}`, {
        code: 'IQ7001',
        place: at(issue.path),
      })
  }
  project.notify.rules.forEach((rule, index) => {
    for (const channel of rule.channels)
      checkChannel(project, channel, { file: project.file, path: ['notify', 'rules', index] })
  })
  definition?.notify.rules.forEach((rule, index) => {
    for (const channel of rule.channels)
      checkChannel(project, channel, { file: definition.file, path: ['notify', 'rules', index] })
  })
}

function checkChannel(
  project: Project,
  channel: string,
  where: { readonly file: string; readonly path: readonly PropertyKey[] } | undefined,
): void {
  const known = Object.keys(project.notify.channels)
  if (known.includes(channel)) return
  throw new UserError(`there is no channel "${channel}"`, {
    code: 'IQ7001',
    hint:
      didYouMean(channel, known) ??
      (known.length === 0 ? 'notify.channels in iqtask.config.yaml names them' : `channels: ${known.join(', ')}`),
    place: where === undefined ? undefined : parseFile(where.file).place(where.path),
  })
}
