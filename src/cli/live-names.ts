import type { App } from '../app.ts'
import type { OptionValues } from './command.ts'
import { shortId } from './render/result.ts'

/** What is being completed, as the command writes it (`task`, `application:native`, `key=value`), and what stands before it. */
export interface Wanted {
  readonly place: string
  readonly noun: string
  readonly typed: string
  readonly before: readonly string[]
}

type Names = (open: () => Promise<App>, wanted: Wanted) => Promise<readonly string[]> | readonly string[]

/** More are no help to who is typing. */
const mostNames = 200

/** Names that there are now, by what an argument or the value of an option is called. */
const names: Readonly<Record<string, Names>> = {
  shell: () => ['bash', 'zsh', 'fish'],
  noun: () => ['account', 'identity'],
  async topic() {
    const [{ topics }, { codes }] = await Promise.all([import('./topics.ts'), import('../base/codes.ts')])
    return [...Object.keys(topics), ...Object.keys(codes)]
  },
  async kind() {
    const { documentNames, kindNames } = await import('../app.ts')
    return [...kindNames, ...documentNames]
  },
  async kinds(_, { typed }) {
    const { forbidWords } = await import('../model/plan-change.ts')
    return inList(forbidWords, typed)
  },
  async guards(_, { typed }) {
    const { guardNames } = await import('../model/guard-settings.ts')
    return inList(guardNames, typed)
  },
  async status(_, { typed }) {
    const { runStatuses } = await import('../model/result.ts')
    return inList(runStatuses, typed)
  },
  task: async (open) => (await open()).project.tasks.names(),
  application: async (open) => (await open()).project.applications.names(),
  executor: async (open) => (await open()).executors.names,
  channel: async (open) => Object.keys((await open()).project.notify.channels),
  async schedule(open) {
    const { allSchedules } = await import('../schedules.ts')
    return allSchedules(await open()).map((one) => one.id)
  },
  async result(open) {
    const items = (await open()).storeIfExists()?.results.list({ limit: 50 }).items ?? []
    const tasks = new Set(items.map((one) => `${one.task}@latest`))
    return items.length === 0 ? [] : ['latest', ...tasks, ...items.map((one) => shortId(one.id))]
  },
  plan: (open, wanted) => ofCalled('result', open, wanted),
  identity: async (open, { typed }) => (await open()).storeIfExists()?.identities.beginning(typed, mostNames) ?? [],
  async 'application:native'(open, { typed }) {
    const app = await open()
    if (!typed.includes(':')) return app.project.applications.names().map((name) => `${name}:`)
    return app.storeIfExists()?.accounts.beginning(typed, mostNames) ?? []
  },
  async entitlement(open, { typed }) {
    const app = await open()
    if (!typed.includes(':')) return app.project.applications.names().map((name) => `${name}:`)
    return app.storeIfExists()?.catalogue.beginning(typed, mostNames) ?? []
  },
  'key=value': settings,
}

/** The same by other words. */
const called: Readonly<Record<string, string>> = {
  tasks: 'task',
  applications: 'application',
  run: 'result',
  from: 'result',
  to: 'result',
  key: 'application:native',
  'application:attribute:value': 'entitlement',
}

export const ofCalled = async (what: string, open: () => Promise<App>, wanted: Wanted): Promise<readonly string[]> =>
  (await names[called[what] ?? what]?.(open, wanted)) ?? []

/** `--set applications=hr,ad`: the keys of the task, then values of those that name something. */
async function settings(open: () => Promise<App>, { typed, before }: Wanted): Promise<readonly string[]> {
  const app = await open()
  const [key = '', value] = typed.split('=', 2)
  if (value !== undefined) {
    const found = await ofCalled(key, open, { place: key, noun: '', typed: '', before })
    return inList(found, value).map((one) => `${key}=${one}`)
  }
  const task = before.find((word) => app.project.tasks.names().includes(word))
  const definition = task === undefined ? undefined : app.project.tasks.get(task)
  const own = before.find((word) => app.executors.has(word))
  const executor =
    definition !== undefined ? await app.executorOf(definition) : own === undefined ? undefined : app.executors.get(own)
  const schema = executor?.arguments
  const shape = schema !== undefined && 'shape' in schema ? Object.keys(schema.shape as OptionValues) : []
  return [...(definition?.parameters ?? []).map(({ name }) => name), ...shape].map((name) => `${name}=`)
}

/** After the last comma, and none twice. */
function inList(found: readonly string[], typed: string): string[] {
  const chosen = typed.split(',').slice(0, -1)
  return found.filter((one) => !chosen.includes(one)).map((one) => [...chosen, one].join(','))
}
