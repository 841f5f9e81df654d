import { openApp } from '../../src/app.ts'
import { createRedactor } from '../../src/base/redact.ts'
import { bindArguments } from '../../src/config/arguments.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { openStore } from '../../src/store/open.ts'
import type { Executor } from '../../src/task/executor.ts'
import { guardPolicy } from '../../src/task/guard-policy.ts'
import type { RunRequest } from '../../src/task/run-request.ts'
import { runTask } from '../../src/task/runner.ts'

/** Runs the task `t` of a project with this executor, whatever its file says: the framework as aggregation sees it. */
export async function runExecutor(
  cwd: string,
  executor: Executor,
  request: Partial<RunRequest> = {},
): Promise<TaskResultDocument> {
  const app = await openApp({ cwd, env: {} })
  try {
    return await runTask(
      {
        project: app.project,
        store: () => app.store(),
        clock: app.clock,
        env: {},
        redactor: createRedactor(),
        toolVersion: '0',
        executorOf: async () => executor,
        openStore: () => openStore({ path: app.project.store, clock: app.clock }),
        bind: (definition, { arguments: schema }, given) => bindArguments(definition, schema, given),
        connect: (application) => app.connect(application),
        guards: (definition, asked, args) => guardPolicy(app.project, definition, asked, args),
        gitOf: () => undefined,
      },
      { task: 't', trigger: 'manual', set: {}, ...request },
    )
  } finally {
    await app.close()
  }
}
