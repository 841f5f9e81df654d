import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type CosmiconfigResult, cosmiconfig, type Loader, type PublicExplorer } from 'cosmiconfig'
import { UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { NotifySettings } from '../model/notify-settings.ts'
import type { Project } from '../model/project.ts'
import { buildApplication } from './application.ts'
import { refuseForeignCode } from './code-file.ts'
import { refuseLiteralSecrets } from './expressions.ts'
import { objectFiles } from './files.ts'
import { buildIdentityModel } from './identity.ts'
import { configSchema } from './schema.ts'
import { buildTask } from './task.ts'
import { check, type ParsedFile, parseFile } from './text.ts'
import { originOf, withUserFile } from './user-file.ts'

export interface LoadOptions {
  /** Where the search upward starts. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A project's folder, or a configuration file: no search then. */
  readonly project?: string | undefined
  readonly config?: string | undefined
  /** The folder of the tasks that come with the tool. */
  readonly shippedTasks: string
}

const endings = ['yaml', 'yml', 'json', 'ts', 'js'] as const
const places = endings.map((ending) => `iqtask.config.${ending}`)

/** Finds and checks the configuration; objects are read when they are asked for. @throws UserError */
export async function loadProject(options: LoadOptions): Promise<Project> {
  const own = await findConfig(options)
  const parsed = withUserFile(own, options.env)
  const raw = check(parsed, configSchema)
  refuseLiteralSecrets(parsed, raw.notify, ['notify'])
  const folder = dirname(parsed.file)
  const applications = objectFiles([join(folder, 'applications')], {
    noun: 'application',
    code: 'IQ1005',
    build: buildApplication,
  })
  const tasks = objectFiles([options.shippedTasks, join(folder, 'tasks')], {
    noun: 'task',
    code: 'IQ1004',
    build: (file) => buildTask(file, { shipped: dirname(file.file) === options.shippedTasks, timeZone: raw.timeZone }),
  })
  return {
    name: raw.name ?? basename(folder),
    folder,
    file: parsed.file,
    timeZone: raw.timeZone,
    store: resolve(folder, options.env.IQTASK_STORE ?? raw.store),
    identity: buildIdentityModel(parsed, raw.identity, applications.names()),
    guards: raw.guards as JsonObject,
    notify: raw.notify as NotifySettings,
    blackout: raw.blackout.map((one) => ({ ...one, timeZone: one.timeZone ?? raw.timeZone })),
    retention: raw.retention,
    metrics: raw.metrics,
    telemetry: raw.telemetry,
    applications,
    tasks,
    origin: originOf(own, options.env),
  }
}

async function findConfig(options: LoadOptions): Promise<ParsedFile> {
  const config = options.config ?? options.env.IQTASK_CONFIG
  const project = options.project ?? options.env.IQTASK_PROJECT
  const explorer = cosmiconfig('iqtask', {
    searchPlaces: places,
    // a person's own settings are no project
    searchStrategy: 'none',
    cache: false,
    // our own: the library's YAML loader accepts bombs, its .ts loader wants another compiler
    loaders: Object.fromEntries(endings.map((ending) => [`.${ending}`, loaderOf(ending)])),
  })
  const named = config === undefined ? configIn(options.cwd, project) : resolve(options.cwd, config)
  if (named !== undefined && !existsSync(named))
    throw new UserError(`there is no configuration file ${named}`, { code: 'IQ1003', hint: 'check --config' })
  const found = named === undefined ? await searchUpward(explorer, options.cwd) : await explorer.load(named)
  if (found === null || found === undefined)
    throw new UserError(`no project here: no iqtask.config.yaml in ${options.cwd} or above`, {
      code: 'IQ1003',
      hint: 'iqtask init makes one; --project DIR names one elsewhere',
    })
  return found.config as ParsedFile
}

async function searchUpward(explorer: PublicExplorer, from: string): Promise<CosmiconfigResult> {
  const found = await explorer.search(from)
  return found !== null || dirname(from) === from ? found : searchUpward(explorer, dirname(from))
}

function configIn(cwd: string, project: string | undefined): string | undefined {
  if (project === undefined) return undefined
  const folder = resolve(cwd, project)
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new UserError(`there is no folder ${folder}`, { code: 'IQ1003', hint: 'check --project' })
  const file = places.map((name) => join(folder, name)).find((path) => existsSync(path))
  if (file === undefined)
    throw new UserError(`no iqtask.config.yaml in ${folder}`, { code: 'IQ1003', hint: 'iqtask init makes one' })
  return file
}

const loaderOf = (ending: (typeof endings)[number]): Loader =>
  ending === 'ts' || ending === 'js' ? loadCode : (file) => parseFile(file)

async function loadCode(file: string): Promise<ParsedFile> {
  refuseForeignCode(file)
  const module = (await import(pathToFileURL(file).href)) as { default?: unknown }
  return { file, text: '', value: module.default, place: () => ({ file }), keyPlace: () => ({ file }) }
}
