import { z } from 'zod'
import { UserError } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'
import { didYouMean } from '../base/nearest.ts'
import { toDate } from '../model/convert.ts'
import type { Parameter, TaskDefinition } from '../model/task-definition.ts'
import { expectationOf } from './text.ts'

export interface BoundArguments {
  /** After defaults and `--set`: what the TaskResult keeps. */
  readonly arguments: JsonObject
  /** The same, as the executor's schema gives it. */
  readonly parsed: unknown
}

/**
 * The definition's arguments with what was asked for and `${args.x}` filled in, checked by the executor's schema. `--set` names a parameter of
 * the definition or, where it declares none of that name, an argument of the executor.
 * @throws UserError IQ1008 unknown name, IQ1002 wrong value
 */
export function bindArguments(
  definition: TaskDefinition,
  schema: z.ZodType,
  asked: { readonly set: Readonly<Record<string, string>>; readonly arguments?: JsonObject | undefined },
): BoundArguments {
  const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {}
  const parameters = new Map(definition.parameters.map((parameter) => [parameter.name, parameter]))
  const given: Record<string, Json> = {}
  const direct: Record<string, Json> = {}
  for (const [key, value] of Object.entries((asked.arguments ?? {}) as Record<string, Json>)) {
    const parameter = parameters.get(key)
    if (parameter !== undefined) given[key] = givenValue(parameter, value)
    else if (key in shape) direct[key] = value
    else throw unknownName(definition, key, [...parameters.keys(), ...Object.keys(shape)])
  }
  for (const [key, text] of Object.entries(asked.set)) {
    const parameter = parameters.get(key)
    const field = shape[key]
    if (parameter !== undefined) given[key] = parameterValue(parameter, text)
    else if (field !== undefined) direct[key] = fieldValue(field, text)
    else throw unknownName(definition, key, [...parameters.keys(), ...Object.keys(shape)])
  }
  const values = withDefaults(definition, given)
  const filled = { ...(fill(definition.arguments, values) as JsonObject), ...direct }
  const done = schema.safeParse(filled)
  if (!done.success) {
    const issue = done.error.issues[0]
    const key = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    if (key !== undefined) throw unknownName(definition, key, Object.keys(shape))
    throw wrongArgument(definition, filled, issue, asked.set)
  }
  return { arguments: JSON.parse(JSON.stringify(done.data)) as JsonObject, parsed: done.data }
}

/** Arguments as they are typed, by the executor's schema: those that were given, without its defaults. @throws UserError as above */
export function typedArguments(
  { name, file, set }: { readonly name: string; readonly file: string; readonly set: Readonly<Record<string, string>> },
  schema: z.ZodType,
): JsonObject {
  const bound = bindArguments({ name, file, parameters: [], arguments: {} } as unknown as TaskDefinition, schema, {
    set,
  })
  return Object.fromEntries(Object.keys(set).map((key) => [key, bound.arguments[key] ?? null]))
}

/** What was typed stands in no file. */
function wrongArgument(
  { name, file }: TaskDefinition,
  filled: JsonObject,
  issue: z.core.$ZodIssue | undefined,
  typed: Readonly<Record<string, string>>,
): UserError {
  const path = issue?.path ?? []
  let value: unknown = filled
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  const near = issue?.code === 'invalid_value' ? didYouMean(String(value), issue.values.map(String)) : undefined
  const expected = issue === undefined ? '' : expectationOf(issue)
  const given = value === undefined ? '' : `${JSON.stringify(value)}, `
  return new UserError(`${name}: the argument ${path.join('.')} is not right: ${given}${expected}`, {
    code: 'IQ1002',
    place: String(path[0] ?? '') in typed ? undefined : { file },
    hint: near ?? `iqtask task show ${name} lists the arguments`,
  })
}

const unknownName = (definition: TaskDefinition, key: string, known: readonly string[]): UserError =>
  new UserError(`${definition.name} has no argument or parameter "${key}"`, {
    code: 'IQ1008',
    hint: didYouMean(key, known) ?? `it has ${known.join(', ') || 'none'}`,
  })

function withDefaults(definition: TaskDefinition, given: Readonly<Record<string, Json>>): Record<string, Json> {
  const values: Record<string, Json> = { ...given }
  for (const { name, default: fallback, required } of definition.parameters) {
    if (name in values) continue
    if (fallback !== undefined) values[name] = fallback as Json
    else if (required)
      throw new UserError(`${definition.name} needs the parameter "${name}"`, {
        code: 'IQ1002',
        hint: `--set ${name}=…`,
      })
  }
  return values
}

/** `${args.x}` alone keeps the value's type; inside a text it becomes text. A parameter that is not set leaves its key out. */
function fill(value: Json | undefined, values: Readonly<Record<string, Json>>): Json | undefined {
  if (typeof value === 'string') {
    const whole = /^\$\{args\.([\w-]+)\}$/.exec(value)?.[1]
    if (whole !== undefined) return values[whole]
    return value.replace(/\$\{args\.([\w-]+)\}/g, (_, name: string) => String(values[name] ?? ''))
  }
  if (Array.isArray(value))
    return value.flatMap((item) => {
      const one = fill(item as Json, values)
      return one === undefined ? [] : Array.isArray(one) && typeof item === 'string' ? one : [one]
    })
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fill(member, values)]))
}

/** A value that comes as it is, not as text. */
function givenValue(parameter: Parameter, value: Json): Json {
  if (typeof value === 'string') return parameterValue(parameter, value)
  const fits = Array.isArray(value) ? parameter.type === 'list' : typeof value === parameter.type
  if (fits) return value
  throw new UserError(`${parameter.name} is ${JSON.stringify(value)}, expected a ${parameter.type}`, { code: 'IQ1002' })
}

function parameterValue(parameter: Parameter, text: string): Json {
  const wrong = (expected: string): UserError => wrongValue(parameter.name, text, expected)
  switch (parameter.type) {
    case 'string':
      return text
    case 'number':
      if (text.trim() === '' || !Number.isFinite(Number(text))) throw wrong('a number')
      return Number(text)
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw wrong('true or false')
      return text === 'true'
    case 'date':
      return toDate(text, undefined) ?? raise(wrong('a date such as 2026-11-24'))
    case 'list':
      return listOf(text)
  }
}

const raise = (error: Error): never => {
  throw error
}

const wrongValue = (name: string, text: string, expected: string): UserError =>
  new UserError(`${name} is ${JSON.stringify(text)}, expected ${expected}`, { code: 'IQ1002' })

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** The first reading of the text that the field's schema takes: as it is, as JSON, as a list. */
function fieldValue(field: z.ZodType, text: string): Json {
  const json = jsonIn(text)
  const lists = typeof json === 'object' ? [] : [listOf(text)]
  const readings = [json, ...(text.includes(',') ? lists : []), text, ...lists]
  const fitting = readings.find((reading) => reading !== undefined && field.safeParse(reading).success)
  // of a list or an object it can be told what in it does not fit
  const isOfItsKind = (reading: Json): boolean => (field.safeParse(reading).error?.issues[0]?.path.length ?? 0) > 0
  return fitting ?? (typeof json === 'object' ? json : (lists.find(isOfItsKind) ?? text))
}

function jsonIn(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
