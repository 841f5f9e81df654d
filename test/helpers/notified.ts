import { openApp } from '../../src/app.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { handClock } from './clock.ts'
import { smallOrganisation } from './files.ts'
import { project } from './project.ts'

/** A project whose runs (they end `warning`) are told on the channel `peer`. */
export const notified = (channel: string, rule = '{ on: [warning], channels: [peer] }', more = ''): string =>
  project({
    ...smallOrganisation,
    'iqtask.config.yaml': `name: demo\n${smallOrganisation['iqtask.config.yaml']}notify:\n  channels: { peer: ${channel} }\n  rules: [${rule}]\n${more}`,
  })

export async function aggregate(
  cwd: string,
  clock: Clock = handClock(),
  env: Readonly<Record<string, string>> = {},
  dryRun = false,
): Promise<TaskResultDocument> {
  const app = await openApp({ cwd, env, clock })
  try {
    return await app.run({ task: 'aggregation', trigger: 'manual', set: {}, dryRun })
  } finally {
    await app.close()
  }
}
