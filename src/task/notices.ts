import { type Clock, isoText } from '../base/clock.ts'
import { UserError } from '../base/errors.ts'
import { newId } from '../base/id.ts'
import type { Redactor } from '../base/redact.ts'
import { judgeHealth, notificationOf, planNotices } from '../model/notification.ts'
import type { Digest, NotifyRule } from '../model/notify-settings.ts'
import type { Project } from '../model/project.ts'
import type { Store } from '../store/store.ts'

export interface NoticeOptions {
  readonly project: Project
  readonly clock: Clock
  readonly redactor: Redactor
}

/** Keeps what the end of a run has to tell, in the transaction that ends it: the two are there, or none. */
export function keepNotices(store: Store, { project, clock, redactor }: NoticeOptions, number: number): void {
  const row = store.runs.get(number)
  if (row === undefined) return
  const result = store.results.find(row.result_id)
  const before = store.outbox.healthOf(result.task)
  const { events, after } = judgeHealth(result, store.runs.planned(number) > 0, before)
  if (after.failingSince !== before.failingSince || after.missed !== before.missed)
    store.outbox.keepHealth(result.task, after)
  const now = clock.now()
  for (const { channel, event, digest } of planNotices(result.task, events, rulesOf(project, result.task))) {
    const about = { id: newId(now), event, project: project.name, at: isoText(now) }
    const notification = notificationOf(result, about, event === 'recovered' ? before.failingSince : after.failingSince)
    store.outbox.add({
      run: number,
      channel,
      digest,
      notification: JSON.parse(redactor.redact(JSON.stringify(notification))),
      nextAt: isoText(digest === undefined ? now : nextDigest(now, digest, project.timeZone)),
    })
  }
}

/** A task whose file is gone or faulty is told of by the project's rules. */
function rulesOf(project: Project, task: string): readonly NotifyRule[] {
  try {
    return [...project.notify.rules, ...project.tasks.get(task).notify.rules]
  } catch (error) {
    if (error instanceof UserError) return project.notify.rules
    throw error
  }
}

/** The next full hour, or the next midnight where the project is at home. */
export function nextDigest(now: Date, digest: Digest, timeZone: string): Date {
  const hourMs = 3_600_000
  const hour = new Date((Math.floor(now.getTime() / hourMs) + 1) * hourMs)
  if (digest === 'hourly') return hour
  const dayOf = new Intl.DateTimeFormat('en', { timeZone, dateStyle: 'short' })
  const today = dayOf.format(now)
  // zones shift by quarters of an hour
  const step = hourMs / 4
  for (let at = Math.floor(now.getTime() / step) * step + step; ; at += step)
    if (dayOf.format(at) !== today) return new Date(at)
}
