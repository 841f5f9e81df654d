import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { type Clock, systemClock } from './base/clock.ts'
import { IqtaskError, UserError } from './base/errors.ts'
import type { JsonObject } from './base/json.ts'
import { once } from './base/once.ts'
import { packageFolder, packageVersion } from './base/package.ts'
import { createRedactor, type Redactor } from './base/redact.ts'
import { createRegistry, type Registry } from './base/registry.ts'
import { bindArguments } from './config/arguments.ts'
import { loadProject } from './config/load.ts'
import { resolveReferences } from './config/references.ts'
import { checkSettings, validateProject } from './config/validate.ts'
import type { Connection, Connector } from './connectors/connector.ts'
import { builtinConnectors } from './connectors/index.ts'
import { type CustomExecutorOptions, loadCustomExecutor } from './custom-executor.ts'
import { builtinExecutors } from './executors/index.ts'
import type { Feed } from './model/application.ts'
import type { TaskResultDocument } from './model/documents.ts'
import type { Project } from './model/project.ts'
import type { TaskDefinition } from './model/task-definition.ts'
import { storeFault } from './store/fault.ts'
import { openStore } from './store/open.ts'
import { type Restored, restoreStore } from './store/restore.ts'
import type { Store } from './store/store.ts'
import { gitOf } from './task/definition-git.ts'
import type { Executor } from './task/executor.ts'
import type { FireOptions, FireOutcome } from './task/fire.ts'
import { guardPolicy } from './task/guard-policy.ts'
import { endDeadRuns, runIsAlive } from './task/lease.ts'
import { currentActor } from './task/process.ts'
import type { RunRequest } from './task/run-request.ts'
import { type RunnerOptions, runTask } from './task/runner.ts'
import { checkNotify, createTelling, type Telling } from './telling.ts'

export { typedArguments } from './config/arguments.ts'
export { documentNames, jsonSchemaOf, kindNames } from './config/schema.ts'
export { readTable } from './connectors/delimited/table.ts'
export { examine } from './doctor.ts'
export { sequenceSteps } from './executors/sequence.ts'
export { profileFile } from './profile.ts'
export { readCheckpoint, writeCheckpoint } from './store/audit-checkpoint.ts'
export { backupStore } from './store/backup.ts'
export { checkStore } from './store/check.ts'
export { migrateStore } from './store/migrate.ts'
export { refuseUnfit as refuseUnfitBackup } from './store/restore.ts'
export type { RejectRecord } from './store/results.ts'
export type { Store } from './store/store.ts'
export { findKeptPlan } from './task/kept-plans.ts'
export { type PlanFile, type PlanHeader, readPlan, writePlan } from './task/plan-file.ts'
export type { RunEvent, RunRequest } from './task/run-request.ts'
export { whyAccount, whyIdentity } from './why.ts'
export { whyAccountField } from './why-field.ts'

/** A project with everything wired: what the command line and programs that embed iqtask work with. */
export interface App {
  readonly project: Project
  readonly clock: Clock
  readonly executors: Registry<Executor>
  /** The executor of a task, built in or the project's own. @throws UserError */
  readonly executorOf: ExecutorOf
  readonly connectors: Registry<Connector>
  /** Opens the store, once; makes it where there is none. */
  store(): Store
  /** The store, or undefined where none was made yet. */
  storeIfExists(): Store | undefined
  /** Opens an application's connector, or that of one of its other feeds, with its references resolved; the caller closes it. */
  connect(application: string, feed?: Feed): Promise<Connection>
  /** Runs a task to its end, whatever that is. @throws UserError before a TaskResult exists; BusyError when it runs already */
  run(request: RunRequest): Promise<TaskResultDocument>
  /** Runs what is due of a schedule, once for each nominal time. @throws UserError IQ5003 */
  fire(id: string, options?: Pick<RunRequest, 'signal' | 'onEvent'>): Promise<FireOutcome>
  /** Checks every file of the project, references between objects included; the problems found. */
  validate(): Promise<readonly IqtaskError[]>
  /** Notifications: their kinds, what waits, a test. */
  readonly telling: Telling
  /** Who acts: for the audit trail. */
  readonly actor: JsonObject
  /** Puts a verified backup in the store's place. @throws BusyError while a run holds the store */
  restore(backup: string): Restored
  /** Marks runs whose process is gone; opening the store does it once. */
  findDead(): void
  /** An error of SQLite in the words of the tool; others as they are. */
  explain(error: unknown): unknown
  close(): Promise<void>
}

export interface AppOptions {
  /** Where the search for the project starts. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** `--project DIR`, `--config FILE`. */
  readonly project?: string | undefined
  readonly config?: string | undefined
  readonly clock?: Clock | undefined
}

/**
 * A run makes millions of small objects that die soon: room for more of them costs memory and saves no time, and what the heap took once the
 * process keeps.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=20')
}

/** Finds the project and wires it. Opens no store and no connection before they are needed. @throws UserError */
export async function openApp(options: AppOptions): Promise<App> {
  keepHeapSmall()
  const clock = options.clock ?? systemClock
  const project = await loadProject({ ...options, shippedTasks: join(packageFolder, 'tasks') })
  const executors = once(() => createRegistry('executor', 'IQ1105', builtinExecutors))
  const connectors = once(() => createRegistry('connector', 'IQ1105', builtinConnectors))
  const redactor = createRedactor()
  const telling = createTelling({ project, clock, redactor, env: options.env })
  const store = storeOf(project, clock, telling)
  const connect = connector({ project, connectors, redactor, clock, env: options.env })
  const runner: RunnerOptions = {
    project,
    store: store.openOnce,
    openStore: store.openWatched,
    clock,
    env: options.env,
    redactor,
    toolVersion: packageVersion,
    executorOf: executorOf(executors, { folder: project.folder, env: options.env, openStore: store.openWatched }),
    bind: (definition, executor, asked) => bindArguments(definition, executor.arguments, asked),
    connect,
    guards: (definition, request, args) => guardPolicy(project, definition, request, args),
    gitOf,
  }
  const run = async (request: RunRequest): Promise<TaskResultDocument> => {
    // a fault of the identity model is told before anything begins
    void project.identity
    return telling.around(project.tasks.get(request.task), request, store.openOnce, () => runTask(runner, request))
  }
  return {
    project,
    clock,
    get executors() {
      return executors()
    },
    executorOf: runner.executorOf,
    get connectors() {
      return connectors()
    },
    store: store.openOnce,
    storeIfExists: () => (existsSync(project.store) ? store.openOnce() : undefined),
    connect: (application, feed) => connect(application, feed, {}, new AbortController().signal),
    run,
    validate: async () => [
      ...validateProject(project, { executors: executors(), connectors: connectors() }),
      ...notifyProblems(project, telling),
    ],
    telling,
    fire: (id, options) => fire(runner, id, { ...options, run }),
    get actor() {
      return currentActor(options.env)
    },
    restore(backup) {
      store.close()
      return restored(project, clock, options.env, backup)
    },
    findDead: () => void endDeadRuns(store.openOnce(), clock),
    explain: (error) => storeFault(error, project.store),
    async close() {
      try {
        if (store.isOpen()) await telling.rest(store.openOnce())
      } catch (error) {
        // the command has had its say; what the store says of itself is told by the next one
        if (!(storeFault(error, project.store) instanceof IqtaskError)) throw error
      } finally {
        store.close()
      }
    },
  }
}

/** The store of the project, opened when it is first asked for. Whatever ends in it is told. */
function storeOf(project: Project, clock: Clock, telling: Telling) {
  let store: Store | undefined
  const openWatched = (): Store => {
    const opened = openStore({ path: project.store, clock, create: true })
    telling.watch(opened)
    return opened
  }
  return {
    openWatched,
    openOnce(): Store {
      if (store === undefined) {
        store = openWatched()
        endDeadRuns(store, clock)
      }
      return store
    },
    isOpen: () => store !== undefined,
    close() {
      store?.close()
      store = undefined
    },
  }
}

/** The first fault of the project's channels and rules, and of each task's rules. */
function notifyProblems(project: Project, { notifiers }: Telling): IqtaskError[] {
  const problems = new Map<string, IqtaskError>()
  for (const name of [undefined, ...project.tasks.names()]) {
    try {
      checkNotify(project, notifiers, name === undefined ? undefined : project.tasks.get(name))
    } catch (error) {
      // a faulty file is told of by the check of tasks
      if (error instanceof UserError && error.code === 'IQ7001') problems.set(error.message, error)
    }
  }
  return [...problems.values()]
}

const restored = (project: Project, clock: Clock, env: AppOptions['env'], backup: string): Restored =>
  restoreStore({
    backup,
    path: project.store,
    clock,
    actor: JSON.stringify(currentActor(env)),
    isLive: (row) => runIsAlive(row, clock.now()),
  })

/** What reads calendars is loaded by those who need one. */
async function fire(runner: RunnerOptions, id: string, options: FireOptions): Promise<FireOutcome> {
  const [{ findSchedule }, { fireSchedule }] = await Promise.all([import('./schedules.ts'), import('./task/fire.ts')])
  return fireSchedule(runner, findSchedule(runner, id), options)
}

type ExecutorOf = (definition: TaskDefinition) => Promise<Executor>

/** A built-in, or the one in a file of the project. */
function executorOf(executors: () => Registry<Executor>, custom: CustomExecutorOptions): ExecutorOf {
  return async (definition) => {
    const { executor } = definition
    if (typeof executor === 'string')
      return executor.startsWith('.') ? loadCustomExecutor(definition, custom) : executors().get(executor)
    throw new UserError(`${definition.name}: programs as executors are not supported by this version`, {
      code: 'IQ1105',
      place: { file: definition.file },
      hint: `a file of yours (./x.ts), or one that is built in: ${executors().names.join(', ')}`,
    })
  }
}

interface Wires {
  readonly project: Project
  readonly connectors: () => Registry<Connector>
  readonly redactor: Redactor
  readonly clock: Clock
  readonly env: AppOptions['env']
}

function connector(wires: Wires) {
  return async (
    name: string,
    feed: Feed | undefined,
    request: Pick<RunRequest, 'stdin'>,
    signal: AbortSignal,
  ): Promise<Connection> => {
    const application = wires.project.applications.get(name)
    const { connector, connection } = feed ?? application
    const folder = dirname(application.file)
    const kind = wires.connectors().get(connector)
    const resolved = resolveReferences(connection, { env: wires.env, folder, redactor: wires.redactor })
    const settings = checkSettings(application, feed ?? application, kind.connection, resolved)
    return kind.open({ settings, folder, clock: wires.clock, signal, stdin: request.stdin })
  }
}
