import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CosmiconfigResult } from 'cosmiconfig'
import { ExplorerSync } from 'cosmiconfig/dist/ExplorerSync.js'
import type { z } from 'zod'
import { UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { once } from '../base/once.ts'
import type { NotifySettings } from '../model/notify-settings.ts'
import type { Project } from '../model/project.ts'
import { buildApplication } from './application.ts'
import { refuseForeignCode } from './code-file.ts'
import { refuseLiteralSecrets } from './expressions.ts'
import { objectFiles } from './files.ts'
import { buildIdentityModel } from './identity.ts'
import { configSchema } from './schema.ts'
import { cachedSettings } from './settings-cache.ts'
import { buildTask } from './task.ts'
import { check, type ParsedFile, parseFile } from './text.ts'
import { originOf, userFile, withUserFile } from './user-file.ts'

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
  const parsed = once(() => withUserFile(own.parsed(), options.env))
  const checked = (): Settings => {
    const settings = check(parsed(), configSchema)
    refuseLiteralSecrets(parsed(), settings.notify, ['notify'])
    refuseLiteralSecrets(parsed(), settings.telemetry, ['telemetry'])
    return settings
  }
  const raw = own.isCode ? checked() : cachedSettings(own.file, textsOf(own.file, options.env), options.env, checked)
  const folder = dirname(own.file)
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
  const identity = once(() => buildIdentityModel(parsed(), raw.identity, applications.names()))
  return {
    name: raw.name ?? basename(folder),
    folder,
    file: own.file,
    timeZone: raw.timeZone,
    store: resolve(folder, options.env.IQTASK_STORE ?? raw.store),
    get identity() {
      return identity()
    },
    guards: raw.guards as JsonObject,
    notify: raw.notify as NotifySettings,
    blackout: raw.blackout.map((one) => ({ ...one, timeZone: one.timeZone ?? raw.timeZone })),
    retention: raw.retention,
    metrics: raw.metrics,
    telemetry: raw.telemetry,
    applications,
    tasks,
    origin: (setting) => originOf(own.parsed(), options.env)(setting),
  }
}

type Settings = z.output<typeof configSchema>

/** All that the settings are made of. */
const textsOf = (file: string, env: LoadOptions['env']): string[] =>
  [file, userFile(env)].filter((one) => existsSync(one)).map((one) => readFileSync(one, 'utf8'))

interface ConfigFile {
  readonly file: string
  readonly isCode: boolean
  parsed(): ParsedFile
}

async function findConfig(options: LoadOptions): Promise<ConfigFile> {
  const config = options.config ?? options.env.IQTASK_CONFIG
  const project = options.project ?? options.env.IQTASK_PROJECT
  const named = config === undefined ? configIn(options.cwd, project) : resolve(options.cwd, config)
  if (named !== undefined && !existsSync(named))
    throw new UserError(`there is no configuration file ${named}`, { code: 'IQ1003', hint: 'check --config' })
  // it finds them; they are read here: the library's YAML loader accepts bombs, its .ts loader wants another compiler
  // `cosmiconfigSync` would first run the `.config/config.js` of the working directory, whoever wrote it
  const explorer = new ExplorerSync({
    moduleName: 'iqtask',
    searchPlaces: places,
    // a person's own settings are no project
    searchStrategy: 'none',
    cache: false,
    loaders: Object.fromEntries(endings.map((ending) => [`.${ending}`, (file: string) => file])),
    transform: (found: CosmiconfigResult) => found,
    ignoreEmptySearchPlaces: true,
    mergeImportArrays: true,
    mergeSearchPlaces: true,
  })
  const file = named ?? searchUpward(explorer, options.cwd)?.filepath
  if (file === undefined)
    throw new UserError(`no project here: no iqtask.config.yaml in ${options.cwd} or above`, {
      code: 'IQ1003',
      hint: 'iqtask init makes one; --project DIR names one elsewhere',
    })
  if (/\.[tj]s$/.test(file)) return loadCode(file)
  return { file, isCode: false, parsed: once(() => parseFile(file)) }
}

function searchUpward(explorer: ExplorerSync, from: string): CosmiconfigResult {
  const found = explorer.search(from)
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

async function loadCode(file: string): Promise<ConfigFile> {
  refuseForeignCode(file)
  const module = (await import(pathToFileURL(file).href)) as { default?: unknown }
  const parsed = { file, text: '', value: module.default, place: () => ({ file }), keyPlace: () => ({ file }) }
  return { file, isCode: true, parsed: () => parsed }
}
