import { renderDuration } from '../base/duration.ts'
import { counted } from '../base/plural.ts'
import { visible, visibleLine } from '../base/visible.ts'
import type { Notification } from '../model/notification.ts'
import type { NotifyEvent } from '../model/notify-settings.ts'
import type { Message } from './notifier.ts'

const says: Readonly<Record<NotifyEvent, string>> = {
  recovered: 'has recovered',
  guard: 'was stopped by a guard, nothing was changed',
  error: 'failed',
  'still-failing': 'fails still',
  missed: 'did not run when it should have',
  changed: 'made changes',
  warning: 'ended with warnings',
  success: 'succeeded',
}
/** A digest of a bad night is a page, not a book. */
const mostItems = 50

/** One line; no character of data can end it. */
export function subjectOf({ notifications, digest }: Message): string {
  const [first] = notifications
  const what = digest
    ? `${counted(notifications.length, 'message')} about ${tasksOf(notifications)}`
    : `${first.task} ${says[first.event]}`
  return visibleLine(`[iqtask] ${first.project}: ${what}`, 180)
}

function tasksOf(notifications: readonly Notification[]): string {
  const tasks = [...new Set(notifications.map(({ task }) => task))]
  return tasks.length > 5 ? `${tasks.slice(0, 5).join(', ')}, …` : tasks.join(', ')
}

/** A block of text a notification: a heading, facts, lists. */
interface Block {
  readonly heading: string
  readonly facts: readonly string[]
  readonly lists: readonly { readonly title: string; readonly lines: readonly string[] }[]
}

function blockOf(notification: Notification): Block {
  const { result, guards, failures, more, commands, failingSince } = notification
  const took = result.durationMs === null ? '' : ` in ${renderDuration(result.durationMs)}`
  const counts = Object.entries(result.counts).filter(([, count]) => count > 0)
  const facts = [
    `result ${result.id}: ${result.status}${result.stoppedBy === null ? '' : `, stopped by ${result.stoppedBy}`}${took}`,
    `${notification.at}  on ${result.host}, ${result.trigger}${result.exitCode === null ? '' : `, exit code ${result.exitCode}`}`,
  ]
  if (failingSince !== null && failingSince !== result.id) facts.push(`failing since result ${failingSince}`)
  if (counts.length > 0) facts.push(counts.map(([name, count]) => `${count} ${name}`).join(', '))
  const lists = [
    { title: 'Guards', lines: guards.map(({ guard, application, text }) => `${application}  ${guard}: ${text}`) },
    { title: 'First failures', lines: more > 0 ? [...failures, `and ${more} more`] : failures },
    { title: 'To type next', lines: commands },
  ]
  return {
    heading: visibleLine(`${notification.task} ${says[notification.event]}`, 200),
    facts: facts.map((fact) => visibleLine(fact, 500)),
    lists: lists
      .filter(({ lines }) => lines.length > 0)
      .map(({ title, lines }) => ({ title, lines: lines.map((line) => visibleLine(line, 600)) })),
  }
}

const blocksOf = ({ notifications }: Message): { blocks: Block[]; left: number } => ({
  blocks: notifications.slice(0, mostItems).map(blockOf),
  left: Math.max(0, notifications.length - mostItems),
})

const leftOut = (left: number): string => `${left} more: iqtask results`

export function textOf(message: Message): string {
  const { blocks, left } = blocksOf(message)
  const texts = blocks.map(({ heading, facts, lists }) =>
    [heading, ...facts, ...lists.flatMap(({ title, lines }) => ['', title, ...lines.map((line) => `  ${line}`)])].join(
      '\n',
    ),
  )
  if (left > 0) texts.push(leftOut(left))
  return visible(`${texts.join('\n\n')}\n`)
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

/** The same as `textOf`; nothing in it is fetched, nothing runs. */
export function htmlOf(message: Message): string {
  const { blocks, left } = blocksOf(message)
  const body = blocks.map(
    ({ heading, facts, lists }) =>
      `<h2>${escaped(heading)}</h2>\n<p>${facts.map(escaped).join('<br>')}</p>\n${lists
        .map(({ title, lines }) => `<h3>${title}</h3>\n<pre>${lines.map(escaped).join('\n')}</pre>`)
        .join('\n')}`,
  )
  if (left > 0) body.push(`<p>${leftOut(left)}</p>`)
  return `<!doctype html>\n<html><head><meta charset="utf-8"><title>${escaped(subjectOf(message))}</title></head><body>\n${body.join('\n')}\n</body></html>\n`
}
