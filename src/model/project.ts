import type { JsonObject } from '../base/json.ts'
import type { Application } from './application.ts'
import type { Blackout } from './blackout.ts'
import type { IdentityModel } from './identity-model.ts'
import type { NotifySettings } from './notify-settings.ts'
import type { RetentionSettings } from './retention.ts'
import type { TaskDefinition } from './task-definition.ts'

/** Where a setting comes from; a default comes from nowhere. */
export interface Origin {
  readonly kind: 'environment' | 'project' | 'user' | 'default'
  /** The variable or the file. */
  readonly name: string | null
}

/** A user's project as the rest of the tool sees it. Objects are loaded and checked when they are asked for. */
export interface Project {
  readonly name: string
  readonly folder: string
  /** Absolute path of the configuration file. */
  readonly file: string
  /** IANA name: what `today` means. */
  readonly timeZone: string
  /** Absolute path of the store. */
  readonly store: string
  readonly identity: IdentityModel
  readonly guards: JsonObject
  readonly notify: NotifySettings
  /** Of every task. */
  readonly blackout: readonly Blackout[]
  readonly retention: RetentionSettings
  /** Where metrics are written after each run. */
  readonly metrics: { readonly file: string; readonly mode: number } | undefined
  /** The collector of traces and metrics. */
  readonly telemetry: { readonly endpoint: string; readonly headers: Readonly<Record<string, string>> } | undefined
  readonly applications: ObjectFiles<Application>
  /** The project's own and the shipped ones; the project's file of the same name wins. */
  readonly tasks: ObjectFiles<TaskDefinition>
  /** `timeZone`, `store`, … */
  origin(setting: string): Origin
}

export interface ObjectFiles<T> {
  /** Names in alphabetical order, without opening the files. */
  names(): readonly string[]
  /** @throws UserError when there is none of that name (nearest suggested), or its file is faulty */
  get(name: string): T
}

/** Applications that may create identities. A faulty file elsewhere stops nobody: its application only is not trusted. */
export const authoritativeNames = ({ applications }: Pick<Project, 'applications'>): string[] =>
  applications.names().filter((name) => {
    try {
      return applications.get(name).authoritative !== undefined
    } catch {
      return false
    }
  })
