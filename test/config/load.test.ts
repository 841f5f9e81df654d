import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { IqtaskError } from '../../src/base/errors.ts'
import { createRedactor } from '../../src/base/redact.ts'
import { loadProject } from '../../src/config/load.ts'
import { resolveReferences } from '../../src/config/references.ts'
import type { Project } from '../../src/model/project.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'

const shipped = join(import.meta.dirname, '../../tasks')
const load = (
  cwd: string,
  more: { env?: Record<string, string>; project?: string; config?: string } = {},
): Promise<Project> => loadProject({ cwd, env: {}, shippedTasks: shipped, ...more })
const config = 'timeZone: UTC\n'
const fault = async (work: () => unknown): Promise<IqtaskError> => {
  try {
    await work()
  } catch (error) {
    return error as IqtaskError
  }
  throw new Error('nothing was refused')
}
const minimal = (more = ''): string => `kind: Application
name: hr
connector: delimited
connection: { file: x.csv }
account: { nativeIdentity: id }
${more}`
/** The fault that an application file gives. */
const faultOf = async (text: string): Promise<IqtaskError> => {
  const cwd = project({ 'iqtask.config.yaml': config, 'applications/hr.yaml': text })
  const loaded = await load(cwd)
  return fault(() => loaded.applications.get(loaded.applications.names()[0] ?? ''))
}

describe('the project', () => {
  it('is searched upward from the working directory; --project, --config and the environment name it', async () => {
    const cwd = project({ 'iqtask.config.yaml': config, 'a/b/x': '' })
    expect((await load(join(cwd, 'a/b'))).folder).toBe(cwd)
    expect((await load('/', { project: cwd })).folder).toBe(cwd)
    expect((await load('/', { config: join(cwd, 'iqtask.config.yaml') })).folder).toBe(cwd)
    expect((await load('/', { env: { IQTASK_PROJECT: cwd } })).folder).toBe(cwd)
    expect((await load(cwd, { env: { IQTASK_STORE: '/elsewhere/x.db' } })).store).toBe('/elsewhere/x.db')
  })

  it('is refused in one sentence where there is none', async () => {
    const cwd = project()
    expect(await fault(() => load(cwd))).toMatchObject({ code: 'IQ1003' })
    expect(await fault(() => load(cwd, { project: join(cwd, 'no') }))).toMatchObject({ code: 'IQ1003' })
    expect(await fault(() => load(cwd, { config: 'no.yaml' }))).toMatchObject({ code: 'IQ1003' })
  })

  it('may be JSON, and code that nobody else may write', async () => {
    expect((await load(project({ 'iqtask.config.json': '{"timeZone":"UTC","name":"j"}' }))).name).toBe('j')
    const cwd = project({ 'iqtask.config.js': "export default { timeZone: 'UTC', name: 'code' }" })
    expect((await load(cwd)).name).toBe('code')
    chmodSync(join(cwd, 'iqtask.config.js'), 0o666)
    expect(await fault(() => load(cwd))).toMatchObject({ code: 'IQ1109' })
  })

  it('lends its tasks to every project, and a file of the same name wins', async () => {
    const cwd = project({ 'iqtask.config.yaml': config })
    expect((await load(cwd)).tasks.get('aggregation').shipped).toBe(true)
    write(cwd, { 'tasks/mine.yaml': 'kind: TaskDefinition\nname: aggregation\nexecutor: account-aggregation\n' })
    expect((await load(cwd)).tasks.get('aggregation').shipped).toBe(false)
  })

  it('refuses a time zone that does not exist, and wants one', async () => {
    expect(await fault(() => load(project({ 'iqtask.config.yaml': 'timeZone: Mars/Base\n' })))).toMatchObject({
      code: 'IQ1104',
      place: { line: 1, column: 11 },
    })
    expect((await fault(() => load(project({ 'iqtask.config.yaml': 'name: x\n' })))).message).toContain('timeZone')
  })
})

describe('an object file', () => {
  it('is found by its name: also where it is faulty or begins in another way', async () => {
    const of = (text: string): string => `kind: Application\n${text}`
    const cwd = project({
      'iqtask.config.yaml': config,
      'applications/a.yaml': of('name: hr\nconnector: [\n'),
      'applications/b.yaml': `# ours\n\n${of('name: "crm"  # quoted\n')}`,
      'applications/c.yaml': 'name: erp\nkind: Application\n',
      'applications/d.yaml': of('name: true\n'),
      'applications/e.json': '{"kind": "Application", "name": "j"}',
    })
    expect((await load(cwd)).applications.names()).toEqual(['crm', 'd', 'erp', 'hr', 'j'])
  })

  it('is found by its name:, not by the name of the file', async () => {
    const cwd = project({ 'iqtask.config.yaml': config, 'applications/whatever.yml': minimal() })
    expect((await load(cwd)).applications.get('hr').connector).toBe('delimited')
  })

  it('tells an unknown key with line, column and the nearest one', async () => {
    const error = await faultOf(minimal('corelation: []\n'))
    expect(error).toMatchObject({ code: 'IQ1103', place: { line: 6, column: 1 } })
    expect(error.hint).toContain('correlation')
  })

  it('tells a wrong type with its place', async () => {
    expect(await faultOf(minimal('privileged: maybe\n'))).toMatchObject({
      code: 'IQ1104',
      place: { line: 6, column: 13 },
    })
    expect(await faultOf(minimal('correlation:\n  - { account: mail, identity: email, decisive: 7 }\n'))).toMatchObject(
      {
        code: 'IQ1104',
        place: { line: 7, column: 49 },
      },
    )
  })

  it('tells an expression that does not compile with its place', async () => {
    const error = await faultOf(minimal('correlation:\n  - { expr: "account.mail +", identity: email }\n'))
    expect(error).toMatchObject({ code: 'IQ1106', place: { line: 7 } })
  })

  it('refuses a secret written out, and takes a reference', async () => {
    const error = await faultOf(minimal().replace('x.csv }', 'x.csv, auth: { bearer: hunter2-token } }'))
    expect(error).toMatchObject({ code: 'IQ1107', place: { line: 4 } })
    expect(error.message).not.toContain('hunter2')
    const cwd = project({
      'iqtask.config.yaml': config,
      'applications/hr.yaml': minimal().replace('x.csv }', 'x.csv, password: "${env:X}" }'),
    })
    expect((await load(cwd)).applications.get('hr').connection.password).toBe('${env:X}')
  })

  it('is refused with its place for tabs, doubled keys, broken YAML, trailing commas in JSON', async () => {
    expect(await faultOf('kind: Application\n\tname: hr\n')).toMatchObject({ code: 'IQ1102', place: { line: 2 } })
    expect(await faultOf(minimal('connector: jsonl\n'))).toMatchObject({ code: 'IQ1102', place: { line: 6 } })
    expect(await faultOf('kind: [')).toMatchObject({ code: 'IQ1102' })
    const cwd = project({ 'iqtask.config.yaml': config, 'applications/hr.json': '{\n  "kind": "Application",\n}' })
    const loaded = await load(cwd)
    expect(await fault(() => loaded.applications.get('hr'))).toMatchObject({ code: 'IQ1102', place: { line: 3 } })
  })

  it('is refused for an alias bomb, a __proto__ key, more than 1 MiB, a directory in its place', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) =>
        `a${i}: &a${i} [${Array(10)
          .fill(i === 0 ? 'x' : `*a${i - 1}`)
          .join(', ')}]`,
    )
    expect(await faultOf(`${levels.join('\n')}\n`)).toMatchObject({ code: 'IQ1102' })
    expect(await faultOf(minimal('__proto__: { x: 1 }\n'))).toMatchObject({ code: 'IQ1102' })
    expect(await faultOf(`# ${'x'.repeat(1024 * 1024)}`)).toMatchObject({ code: 'IQ1101' })
    const cwd = project({ 'iqtask.config.yaml': config })
    mkdirSync(join(cwd, 'applications/hr.yaml'), { recursive: true })
    const loaded = await load(cwd)
    expect(await fault(() => loaded.applications.get('hr'))).toMatchObject({ code: 'IQ1101' })
  })

  it('is refused for a name that is none, and for one that is given twice', async () => {
    expect(await faultOf(minimal().replace('name: hr', 'name: "H R"'))).toMatchObject({
      code: 'IQ1104',
      place: { line: 2 },
    })
    const cwd = project({
      'iqtask.config.yaml': config,
      'applications/a.yaml': minimal(),
      'applications/b.yaml': minimal(),
    })
    const error = await fault(async () => (await load(cwd)).applications.names())
    expect(error).toMatchObject({ code: 'IQ1110' })
    expect(error.message).toContain('a.yaml')
  })

  it('stops only who asks for it when it is faulty', async () => {
    const cwd = project({
      'iqtask.config.yaml': config,
      'applications/hr.yaml': minimal(),
      'applications/bad.yaml': 'kind: [',
    })
    const loaded = await load(cwd)
    expect(loaded.applications.names()).toEqual(['bad', 'hr'])
    expect(loaded.applications.get('hr').name).toBe('hr')
    expect(await fault(() => loaded.applications.get('bad'))).toMatchObject({ code: 'IQ1102' })
    expect(await fault(() => loaded.applications.get('hrr'))).toMatchObject({
      code: 'IQ1005',
      hint: 'did you mean hr?    all applications: iqtask application list',
    })
  })

  it('keeps digits that a number cannot hold as text', async () => {
    const cwd = project({
      'iqtask.config.yaml': config,
      'tasks/t.yaml':
        'kind: TaskDefinition\nname: t\nexecutor: x\narguments: { a: 9007199254740993, b: 00482, c: 12 }\n',
    })
    expect((await load(cwd)).tasks.get('t').arguments).toEqual({ a: '9007199254740993', b: '00482', c: 12 })
  })
})

describe('the identity model', () => {
  const withModel = (model: string): string =>
    project({
      'iqtask.config.yaml': `${config}identity:\n${model}`,
      'applications/hr.yaml': minimal(),
      'applications/hr.eu.yaml': minimal().replace('name: hr', 'name: hr.eu'),
    })

  it('takes the longest application name that fits', async () => {
    const { identity } = await load(withModel('  name: [hr.eu.id, hr.id]\n'))
    expect(identity.name).toEqual([
      { application: 'hr.eu', attribute: 'id' },
      { application: 'hr', attribute: 'id' },
    ])
  })

  it('knows which applications an expression uses, by name or by app[…]', async () => {
    const { identity } = await load(withModel('  name: [{ expr: "hr.id + app[\'hr.eu\'].id" }]\n'))
    expect(identity.name[0]).toMatchObject({ applications: ['hr', 'hr.eu'] })
  })

  it('refuses an application that does not exist, with the nearest one', async () => {
    const modelOf = async (model: string) => (await load(withModel(model))).identity
    expect(await fault(() => modelOf('  attributes: { email: { from: [hrr.mail] } }\n'))).toMatchObject({
      code: 'IQ1105',
      hint: 'did you mean hr?',
      place: { line: 3 },
    })
    expect(await fault(() => modelOf('  status: { no: "true" }\n'))).toMatchObject({ code: 'IQ1105' })
  })
})

describe('a reference', () => {
  const resolve = (value: string, env = {}, redactor = createRedactor()): unknown =>
    resolveReferences({ a: { b: [value] } }, { env, folder: project({ secret: 's3cret-file\n' }), redactor })

  it('is replaced by the variable, the file or the output of the command, and then redacted', () => {
    const redactor = createRedactor()
    expect(resolve('x-${env:T}', { T: 'top-secret' }, redactor)).toEqual({ a: { b: ['x-top-secret'] } })
    expect(redactor.redact('it said top-secret')).toBe('it said [secret]')
    expect(resolve('${file:secret}')).toEqual({ a: { b: ['s3cret-file'] } })
    expect(resolve('${command:echo out}', process.env)).toEqual({ a: { b: ['out'] } })
  })

  it('that cannot be resolved is told by its name, never by a value', async () => {
    expect(await fault(() => resolve('${env:NOT_SET}'))).toMatchObject({ code: 'IQ1108' })
    expect((await fault(() => resolve('${env:NOT_SET}'))).message).toContain('a.b[0]: ${env:NOT_SET}')
    expect(await fault(() => resolve('${file:absent}'))).toMatchObject({ code: 'IQ1108' })
    const failed = await fault(() => resolve('${command:echo leaked; exit 3}', process.env))
    expect(failed.message).toContain('exit code 3')
    expect(String(failed.stack)).not.toContain('leaked\n')
  })
})

describe('the sample of the tests', () => {
  it('loads as a whole', async () => {
    const loaded = await load(project(smallOrganisation))
    expect(loaded.applications.names()).toEqual(['ad', 'hr'])
    expect(loaded.applications.get('ad').account.attributes).toMatchObject([
      { name: 'groups', multiple: true, entitlement: true },
    ])
  })
})
