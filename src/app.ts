import type { Clock } from './base/clock.ts'
import type { IqtaskError } from './base/errors.ts'
import type { Registry } from './base/registry.ts'
import type { Connection, Connector } from './connectors/connector.ts'
import type { TaskResultDocument } from './model/documents.ts'
import type { Project } from './model/project.ts'
import type { Store } from './store/store.ts'
import type { Executor } from './task/executor.ts'
import type { RunRequest } from './task/run-request.ts'

/** A project with everything wired: what the command line and programs that embed iqtask work with. */
export interface App {
  readonly project: Project
  readonly clock: Clock
  readonly executors: Registry<Executor>
  readonly connectors: Registry<Connector>
  /** Opens the store, once; makes it where there is none. */
  store(): Store
  /** The store, or undefined where none was made yet. */
  storeIfExists(): Store | undefined
  /** Opens an application's connector with its references resolved; the caller closes it. */
  connect(application: string): Promise<Connection>
  /** Runs a task to its end, whatever that is. @throws UserError before a TaskResult exists; BusyError when it runs already */
  run(request: RunRequest): Promise<TaskResultDocument>
  /** Checks every file of the project, references between objects included; the problems found. */
  validate(): Promise<readonly IqtaskError[]>
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
