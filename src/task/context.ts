import { isoText } from '../base/clock.ts'
import type { Connection } from '../connectors/connector.ts'
import type { Feed } from '../model/application.ts'
import type { Project } from '../model/project.ts'
import type { Message } from '../model/result.ts'
import { driveRoad } from './drive.ts'
import type { RunIdentity, Steps, TaskContext } from './executor.ts'
import type { GuardPolicy } from './guard-policy.ts'
import type { RunState } from './run-state.ts'

export interface ContextOptions {
  readonly run: RunIdentity
  readonly project: Project
  readonly state: RunState
  readonly signal: AbortSignal
  readonly steps: Steps
  readonly speaks: GuardPolicy['speaks']
  readonly connect: (application: string, feed: Feed | undefined) => Promise<Connection>
  readonly redact: (text: string) => string
}

/** What an executor may touch, and nothing else. `close` ends the connections it left open. */
export function createContext(options: ContextOptions): { context: TaskContext; close: () => Promise<void> } {
  const { state, redact } = options
  const open: Connection[] = []
  const message = (given: Message): void => state.message({ ...given, text: redact(given.text) })
  const context: TaskContext = {
    run: options.run,
    project: options.project,
    store: state.store,
    clock: state.clock,
    signal: options.signal,
    pause: () => state.pause(),
    options: state.options,
    guardSpeaks: options.speaks,
    audit(event) {
      const { id, actor } = options.run
      state.store.audit.append({ ...event, at: isoText(state.clock.now()), actor, run: id })
    },
    count: state.count,
    progress: state.progress,
    message,
    reject(application, rejects) {
      if (rejects.length === 0) return
      const clean = rejects.map((reject) => ({
        ...reject,
        application,
        reason: redact(reject.reason),
        fragment: reject.fragment === undefined ? undefined : redact(reject.fragment),
      }))
      state.store.db.write(() => state.store.runs.rejects(options.run.number, clean))
    },
    async connect(application, feed) {
      const connection = await options.connect(application, feed)
      open.push(connection)
      return connection
    },
    road: (road) => driveRoad(state, road),
    steps: options.steps,
  }
  return {
    context,
    async close() {
      for (const connection of open) await connection.close()
    },
  }
}
