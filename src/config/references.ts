import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { UserError } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Redactor } from '../base/redact.ts'

export interface ReferenceContext {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Relative paths start here. */
  readonly folder: string
  /** Learns every resolved value. */
  readonly redactor: Redactor
}

const commandTimeoutMs = 30_000
const pattern = /\$\{(env|file|command):([^}]+)\}/g

/** A copy of the settings with `${env:X}`, `${file:PATH}` and `${command:…}` replaced. @throws UserError IQ1108, never with a value */
export function resolveReferences(value: JsonObject, context: ReferenceContext): JsonObject {
  const walk = (member: Json | undefined, path: string): Json | undefined => {
    if (typeof member === 'string') return replaced(member, path, context)
    if (Array.isArray(member)) return member.map((item, index) => walk(item as Json, `${path}[${index}]`) as Json)
    if (member === null || typeof member !== 'object') return member
    return Object.fromEntries(
      Object.entries(member).map(([key, inner]) => [key, walk(inner, path === '' ? key : `${path}.${key}`)]),
    )
  }
  return walk(value, '') as JsonObject
}

function replaced(text: string, path: string, context: ReferenceContext): string {
  return text.replace(pattern, (reference, kind: string, target: string) => {
    const resolved = resolveOne(kind, target, context)
    if (typeof resolved !== 'string')
      throw new UserError(`${path}: ${reference} cannot be resolved: ${resolved.fault}`, {
        code: 'IQ1108',
        hint: kind === 'env' ? `export ${target}=… before the run` : `check ${target}`,
      })
    context.redactor.add(resolved)
    return resolved
  })
}

function resolveOne(kind: string, target: string, context: ReferenceContext): string | { readonly fault: string } {
  try {
    if (kind === 'env') {
      const value = context.env[target]
      return value === undefined || value === '' ? { fault: `the variable ${target} is not set` } : value
    }
    if (kind === 'file') return readFileSync(resolve(context.folder, target), 'utf8').replace(/\r?\n$/, '')
    return execFileSync('/bin/sh', ['-c', target], {
      cwd: context.folder,
      encoding: 'utf8',
      timeout: commandTimeoutMs,
      env: context.env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trimEnd()
  } catch (error) {
    // the message of a failed command repeats the command only; its output may hold the secret
    const { code, status } = error as { code?: string; status?: number }
    return { fault: code ?? `it ended with exit code ${status ?? 'unknown'}` }
  }
}
