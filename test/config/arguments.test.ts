import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { IqtaskError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { bindArguments } from '../../src/config/arguments.ts'
import type { Parameter, TaskDefinition } from '../../src/model/task-definition.ts'

const schema = z.strictObject({
  applications: z.array(z.string()).min(1),
  days: z.number().int().default(90),
  since: z.string().optional(),
  deep: z.boolean().default(false),
})
const bind = (
  args: object,
  set: Record<string, string> = {},
  parameters: Partial<Parameter>[] = [],
  direct: JsonObject = {},
) =>
  bindArguments(
    {
      name: 't',
      file: '/t.yaml',
      arguments: args,
      parameters: parameters.map((p) => ({ type: 'string', required: false, ...p })),
    } as unknown as TaskDefinition,
    schema,
    { set, arguments: direct },
  ).arguments
const fault = (work: () => unknown): IqtaskError => {
  try {
    work()
  } catch (error) {
    return error as IqtaskError
  }
  throw new Error('nothing was refused')
}

describe('arguments of a run', () => {
  it('get the defaults of the schema', () => {
    expect(bind({ applications: ['hr'] })).toEqual({ applications: ['hr'], days: 90, deep: false })
  })

  it('are typed by the schema when they are set', () => {
    expect(bind({ applications: ['hr'] }, { days: '7', deep: 'true', since: '2026', applications: 'a, b' })).toEqual({
      applications: ['a', 'b'],
      days: 7,
      deep: true,
      since: '2026',
    })
    expect(bind({ applications: ['hr'] }, { applications: 'ad' }).applications).toEqual(['ad'])
    expect(bind({ applications: ['hr'] }, { applications: '["x,y"]' }).applications).toEqual(['x,y'])
  })

  it('take parameters: whole references keep their type, others become text, missing ones leave the key out', () => {
    const parameters = [
      { name: 'n', type: 'number', default: 3 },
      { name: 'who', required: true },
      { name: 'apps', type: 'list' },
      { name: 'opt' },
    ] as const
    const args = { applications: ['${args.apps}', 'x-${args.who}'], days: '${args.n}', since: '${args.opt}' }
    expect(bind(args, { who: 'me', apps: 'a,b' }, [...parameters])).toEqual({
      applications: ['a', 'b', 'x-me'],
      days: 3,
      deep: false,
    })
    expect(fault(() => bind(args, {}, [...parameters]))).toMatchObject({ code: 'IQ1002', hint: '--set who=…' })
  })

  it('refuse an unknown name with the nearest, and a value of the wrong type', () => {
    expect(fault(() => bind({ applications: ['hr'] }, { dayz: '1' }))).toMatchObject({
      code: 'IQ1008',
      hint: 'did you mean days?',
    })
    expect(fault(() => bind({ applications: ['hr'], dayz: 1 }))).toMatchObject({ code: 'IQ1008' })
    expect(fault(() => bind({ applications: ['hr'] }, { days: 'many' })).message).toContain('days')
    expect(fault(() => bind({}, { applications: '["hr", 7]' })).message).toContain('applications.1')
    expect(fault(() => bind({}, {})).message).toContain('applications')
    const date = [{ name: 'd', type: 'date' }] as const
    expect(fault(() => bind({ applications: ['hr'] }, { d: 'soon' }, [...date])).message).toContain('expected a date')
  })
})
