import { openApp } from '../../src/app.ts'
import { timingOf } from '../../src/model/schedule.ts'
import { findSchedule } from '../../src/schedules.ts'

/** As if the schedule had been installed so long ago: its last nominal time is due at once, and no test waits for a minute to be full. */
export async function begunAgo(cwd: string, id: string, ms: number): Promise<void> {
  const app = await openApp({ cwd, env: {} })
  const store = app.store()
  const since = new Date(app.clock.now().getTime() - ms).toISOString()
  store.db.write(() => store.schedules.begin(id, since, timingOf(findSchedule(app, id))))
  await app.close()
}
