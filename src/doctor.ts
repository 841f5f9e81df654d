import { chmodSync, existsSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { App } from './app.ts'
import { IqtaskError } from './base/errors.ts'
import { type Finding, fail, ok, warn } from './model/doctor.ts'
import { checkStore } from './store/check.ts'

type Env = Readonly<Record<string, string | undefined>>
type Check = (app: App, env: Env) => Finding[] | Promise<Finding[]>

/** Looks at everything that a run leans on, in this order; one function a thing, by what a check that cannot be made is called. */
const checks: Readonly<Record<string, Check>> = {
  node: runtime,
  configuration,
  'store file': storeFile,
  store: storeContent,
  runs,
  clock,
  applications: connections,
  notifications,
  schedules,
}

export async function examine(app: App, env: Env): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [name, check] of Object.entries(checks)) findings.push(...(await attempt(name, check, app, env)))
  return findings
}

/** A check that cannot be made is a finding like another. */
async function attempt(name: string, check: Check, app: App, env: Env = {}): Promise<Finding[]> {
  try {
    return await check(app, env)
  } catch (thrown) {
    const error = app.explain(thrown)
    if (!(error instanceof IqtaskError)) throw error
    return [fail(name, error.message, error.hint ?? `iqtask explain ${error.code}`)]
  }
}

async function schedules(app: App, env: Env): Promise<Finding[]> {
  // calendars are loaded only for those who look at them
  const { scheduleFindings } = await import('./schedule-doctor.ts')
  return scheduleFindings(app, env)
}

function runtime(): Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const node = `Node ${process.versions.node}`
  const tls =
    process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0'
      ? [
          fail(
            'tls',
            'NODE_TLS_REJECT_UNAUTHORIZED=0: no certificate is checked',
            'unset it; name a CA file at the connection',
          ),
        ]
      : []
  if (major > 22 || (major === 22 && minor >= 18)) return [ok('node', node), ...tls]
  return [fail('node', `${node} is too old`, 'install Node 22.18 or newer'), ...tls]
}

async function configuration(app: App): Promise<Finding[]> {
  const problems = await app.validate()
  if (problems.length === 0) return [ok('configuration', `${app.project.file} and every object are right`)]
  return problems.map(({ message, hint, code, place }) =>
    fail(
      'configuration',
      place === undefined ? message : `${place.file}:${place.line ?? 1}: ${message}`,
      hint ?? `iqtask explain ${code}`,
    ),
  )
}

/** `statfs` types on which SQLite's locks cannot be trusted. */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9p'],
])

function storeFile({ project }: App): Finding[] {
  const path = project.store
  if (!existsSync(path)) return [warn('store', `there is none yet at ${path}`, 'iqtask run TASK makes it')]
  const findings: Finding[] = []
  for (const [one, mode] of [
    [dirname(path), 0o700],
    [path, 0o600],
  ] as const)
    if ((statSync(one).mode & 0o077) !== 0)
      findings.push(
        fail('store mode', `others may read or write ${one}`, `chmod ${mode.toString(8)} ${one}`, () =>
          chmodSync(one, mode),
        ),
      )
  const network = networkFileSystems.get(statfsSync(path).type)
  if (network !== undefined)
    findings.push(
      fail('store disk', `${path} is on ${network}: its locks cannot be trusted`, 'move it to a local disk: store:'),
    )
  return findings.length > 0 ? findings : [ok('store file', path)]
}

function storeContent(app: App): Finding[] {
  const store = app.storeIfExists()
  if (store === undefined) return []
  const found = checkStore(store, { quick: true })
  if (found.length > 0)
    return found.map(({ part, text }) =>
      fail(`store ${part}`, text, 'iqtask store check, then iqtask store restore BACKUP'),
    )
  const { bytes, schemaVersion, sqlite, synchronous } = store.info()
  const size = `${(Number(bytes) / 1_048_576).toFixed(1)} MiB`
  const sound = ok(
    'store',
    `${size}, schema ${String(schemaVersion)}, SQLite ${String(sqlite)}, synchronous ${String(synchronous)}`,
  )
  return [sound, ...fullReads(app)]
}

/** After an undo a delta would miss what was taken back. */
function fullReads({ project, ...app }: App): Finding[] {
  const applications = app.storeIfExists()?.applications
  return project.applications
    .names()
    .filter((name) => applications?.readState(applications.idOf(name) ?? 0).fullReadNeeded === true)
    .map((name) => warn(`application ${name}`, 'its next read has to be a full one', 'nothing: the next run makes it'))
}

function runs(app: App): Finding[] {
  const store = app.storeIfExists()
  if (store === undefined) return []
  const broken = store.runs.broken()
  const live = store.runs.live().length
  if (broken.length === 0) return [ok('runs', `${live === 0 ? 'nothing runs' : `${live} under way`}, none died`)]
  return broken.map((row) =>
    warn(
      'runs',
      `${row.task} died: result ${row.result_id.slice(0, 12)}`,
      'iqtask recover, or iqtask run TASK --resume',
    ),
  )
}

function clock(app: App): Finding[] {
  const { project } = app
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const [latest] = app.storeIfExists()?.results.list({ limit: 1 }).items ?? []
  const now = app.clock.now()
  if (latest !== undefined && Date.parse(latest.queuedAt) > now.getTime() + 60_000)
    return [
      fail('clock', `it is ${now.toISOString()}, but the last result is of ${latest.queuedAt}`, 'set the clock (NTP)'),
    ]
  return [ok('clock', `${now.toISOString()}; "today" is that of ${project.timeZone}, this machine is in ${zone}`)]
}

async function connections(app: App): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const name of app.project.applications.names()) {
    const what = `application ${name}`
    const test = async (): Promise<Finding[]> => {
      const opened = await app.connect(name)
      try {
        return [ok(what, await opened.test())]
      } finally {
        await opened.close()
      }
    }
    findings.push(...(await attempt(what, test, app)))
  }
  return findings
}

/** Channels that do not get through, or could do so more safely. */
function notifications({ project, telling, ...app }: App): Finding[] {
  const channels = Object.entries(project.notify.channels)
  if (channels.length === 0) return []
  const waiting = app.storeIfExists()?.outbox.list({}).items ?? []
  return channels.map(([name, settings]) => {
    const what = `channel ${name}`
    const stuck = waiting.filter((row) => row.channel === name && row.state !== 'sent' && row.error !== null)
    if (stuck.length > 0)
      return fail(
        what,
        `${stuck.length} not sent: ${stuck[0]?.error}`,
        `iqtask notify test ${name}, iqtask notify list`,
      )
    const { type, timeout: _, ...own } = settings
    const weakness = telling.notifiers.has(type) ? telling.notifiers.get(type).weakness?.(own) : undefined
    return weakness === undefined ? ok(what, type) : warn(what, weakness, `notify.channels.${name} in ${project.file}`)
  })
}
