import { chmodSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ErrorDocument, IdentityDocument, ListDocument, TaskResultDocument } from '../src/model/documents.ts'
import { machineHas } from './helpers/machine.ts'
import { runMortal } from './helpers/mortal.ts'
import { project, smallOrganisation, write } from './helpers/project.ts'
import { runCli } from './helpers/run-cli.ts'
import { spawnCli, until } from './helpers/spawn-cli.ts'
import { rowsOf } from './helpers/state.ts'

const executor = (body: string, more = '') => `import { defineExecutor, ItemError } from 'iqtask'
import { z } from 'zod'
${more}
export default defineExecutor({
  name: 'mine',
  summary: 'something of its own',
  arguments: z.object({ who: z.string().default('ad:svc') }),
  async run(ctx, args) {
${body}
  },
})
`
const task = (more = '') => `kind: TaskDefinition\nname: mine\nexecutor: ./mine.ts\n${more}`
const files = (body: string, more = '') => ({ 'tasks/mine.yaml': task(more), 'tasks/mine.ts': executor(body) })

async function aggregated(more: Readonly<Record<string, string>>): Promise<string> {
  const cwd = project({ ...smallOrganisation, ...more })
  await runCli('run aggregation', { cwd })
  return cwd
}
const run = async (cwd: string, line = 'run mine') => {
  const { code, stdout, stderr } = await runCli(`${line} --json`, { cwd })
  return {
    code,
    result: (stdout === '' ? {} : JSON.parse(stdout)) as TaskResultDocument,
    error: (stderr.startsWith('{') ? JSON.parse(stderr) : {}) as ErrorDocument,
  }
}
const texts = (result: TaskResultDocument) => result.messages.map(({ text }) => text).join('\n')

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('an executor of a project', () => {
  const example = (name: string) => readFileSync(join(import.meta.dirname, '../tasks/examples', name), 'utf8')
  const shipped = {
    'tasks/tag-unused.ts': example('tag-unused.ts'),
    'tasks/tag-unused.yaml': example('tag-unused.yaml').replace('holders: 0', 'holders: 2'),
  }

  it('that is shipped as the example plans, changes, has nothing to do again, and is taken back', async () => {
    const cwd = await aggregated(shipped)
    const before = rowsOf(cwd)
    const dry = await run(cwd, 'run tag-unused --dry-run')
    expect(dry.code).toBe(0)
    expect(dry.result.sections).toMatchObject([{ application: 'ad', counts: { tagged: 2 } }])
    expect(rowsOf(cwd)).toBe(before)
    const first = await run(cwd, 'run tag-unused')
    expect([first.code, first.result.executor]).toEqual([0, './tag-unused.ts'])
    expect(first.result.counts).toMatchObject({ read: 2, tagged: 2, rejected: 0 })
    const tags = async () => (await runCli('entitlement find --tag unused --json', { cwd })).stdout
    expect(await tags()).toContain('"total": 2')
    const tagged = rowsOf(cwd)
    const second = await run(cwd, 'run tag-unused')
    expect(second.result.counts).toMatchObject({ read: 2, tagged: 0, kept: 2 })
    expect(rowsOf(cwd)).toBe(tagged)
    expect((await runCli('audit list --json --all', { cwd })).stdout).toContain('entitlement.edit')
    expect((await runCli(`undo ${first.result.id}`, { cwd })).code).toBe(0)
    expect(await tags()).toContain('"total": 0')
    expect((await runCli(`undo undo@latest`, { cwd })).code).toBe(0)
    expect(await tags()).toContain('"total": 2')
    expect((await runCli('store check', { cwd })).code).toBe(0)
  })

  it('is written as its documentation says, and shows its arguments', async () => {
    const cwd = project({
      ...smallOrganisation,
      'package.json': '{ "type": "commonjs" }',
      'tasks/stale.yaml':
        'kind: TaskDefinition\nname: stale\nexecutor: ./stale.ts\narguments: { applications: [ad] }\n',
      'tasks/stale.ts': `import { defineExecutor } from 'iqtask'
import { z } from 'zod'
export default defineExecutor({
  name: 'disable-stale-accounts', summary: 'Disable accounts nobody has used',
  arguments: z.object({ days: z.number().int().positive().default(90), applications: z.array(z.string()) }),
  async run(ctx, args) { ctx.log.info(\`\${args.days} days on \${args.applications}\`) },
})
`,
    })
    const { stdout } = await runCli('task show stale', { cwd })
    expect(stdout).toContain('disable-stale-accounts  Disable accounts nobody has used\n  days          default 90')
    expect((await runCli('task validate stale', { cwd })).code).toBe(0)
    expect(texts((await run(cwd, 'run stale --set days=7')).result)).toBe('7 days on ad')
    expect((await run(cwd, 'run stale --set days=none')).error.code).toBe('IQ1002')
  })

  it('decides about accounts, guarded per application', async () => {
    const cwd = await aggregated(
      files(`    for await (const one of ctx.accounts({ application: 'hr' }))
      await ctx.plan({ do: 'unlink', account: 'hr:' + one.nativeIdentity, reason: 'test' })
    await ctx.plan({ do: 'link', account: args.who, identity: '1', reason: 'it is hers' })`),
    )
    const { code, result } = await run(cwd)
    expect(code).toBe(4)
    expect(result.sections.map(({ application, status }) => [application, status])).toEqual([
      ['hr', 'error'],
      ['ad', 'success'],
    ])
    expect(result.guards.filter((guard) => guard.verdict === 'tripped')).toMatchObject([
      { guard: 'ownersChanged', application: 'hr', value: 3 },
    ])
    expect((await runCli('account show ad:svc --json', { cwd })).stdout).toContain('"identity": "1"')
    expect((await runCli('account show hr:1 --json', { cwd })).stdout).toContain('"identity": "1"')
  })

  it('is told nothing of the environment but where things are', async () => {
    const cwd = await aggregated(files(`    ctx.log.info(JSON.stringify(process.env))`))
    const { stdout } = await runCli('run mine --json', { cwd, env: { DB_PASSWORD: 'c4nary', TZ: 'UTC' } })
    const said = texts(JSON.parse(stdout) as TaskResultDocument)
    expect(said).toContain('"TZ":"UTC"')
    expect(said).not.toContain('c4nary')
  })

  it('keeps what it could not work on as rejects, and is told what cannot be planned', async () => {
    const cwd = await aggregated(
      files(`    await ctx.items(['a', 'b'], (item) => { if (item === 'b') throw new ItemError('no good', item, { code: 'IQ8005' }) })
    await ctx.plan({ do: 'link', account: args.who, identity: 'nobody', reason: 'x' }).catch((e) => ctx.log.info(e.message))
    await ctx.plan({ do: 'destroy' } as never).catch((e) => ctx.log.info(e.message))`),
    )
    const { code, result } = await run(cwd)
    expect(code).toBe(3)
    expect(result.rejects).toEqual({ total: 1, byCode: { IQ8005: 1 } })
    expect(texts(result)).toContain('there is no identity "nobody"')
    expect(texts(result)).toContain('this is no change')
    write(cwd, { 'tasks/mine.yaml': task('maxErrors: 0\n') })
    const strict = await run(cwd)
    expect([strict.code, strict.result.status]).toEqual([1, 'error'])
    expect(texts(strict.result)).toContain('1 of 2 items were rejected, maxErrors allows 0: nothing was written')
  })

  it('reads the records of an application, and sets attributes of identities, which is guarded, audited and taken back', async () => {
    const cwd = await aggregated(
      files(`    const hr = await ctx.connect('hr')
    await ctx.items(hr.records(), async ({ line, values }) => {
      if (values.state === 'left') return
      const set = { do: 'set', identity: String(values.id), attribute: 'email', value: values.name + '@example.org', reason: 'line ' + line }
      if (!(await ctx.plan(set))) ctx.count('standing')
    })
    ctx.log.info('evidence ' + hr.evidence().level)`),
    )
    const before = rowsOf(cwd)
    expect((await run(cwd, 'run mine --dry-run')).result.counts).toMatchObject({ read: 3, set: 2 })
    expect(rowsOf(cwd)).toBe(before)
    const first = await run(cwd)
    expect([first.code, texts(first.result)]).toEqual([0, 'evidence stable'])
    expect(first.result.sections).toMatchObject([{ application: 'identities', counts: { set: 2 } }])
    const email = async () =>
      (JSON.parse((await runCli('identity find --json', { cwd })).stdout) as ListDocument<IdentityDocument>).items.map(
        ({ attributes }) => attributes.email,
      )
    expect(await email()).toEqual(['Ada@example.org', 'bo@example.com', 'Cy@example.org'])
    const set = rowsOf(cwd)
    expect((await run(cwd)).result.counts).toMatchObject({ set: 0, standing: 2 })
    expect(rowsOf(cwd)).toBe(set)
    const { stdout } = await runCli('audit list --action identity.set --json', { cwd })
    expect((JSON.parse(stdout) as ListDocument<{ body: unknown }>).items.map(({ body }) => body)).toContainEqual({
      ...{ attribute: 'email', before: 'ada@example.com', after: 'Ada@example.org', reason: 'line 2' },
    })
    expect((await runCli('why identity 1 email', { cwd })).stdout).toContain('set by the task mine')
    // correlation matches what authoritative applications say of people
    write(cwd, { 'ad.csv': `${smallOrganisation['ad.csv']}new,Ada@example.org,yes,\n` })
    await runCli('run aggregation --set applications=ad', { cwd })
    expect((await runCli('account show ad:new --json', { cwd })).stdout).toContain('"identity": null')
    expect((await runCli(`undo ${first.result.id} --json`, { cwd })).code).toBe(0)
    expect(await email()).toEqual(['ada@example.com', 'bo@example.com', 'cy@example.com'])
    expect((await runCli('why identity 1 email', { cwd })).stdout).toContain('from hr:1')
    expect((await runCli('undo undo@latest', { cwd })).code).toBe(0)
    expect(await email()).toEqual(['Ada@example.org', 'bo@example.com', 'Cy@example.org'])
    expect((await runCli('store check', { cwd })).code).toBe(0)
  })

  it('is taken back past what another run set since only where that is accepted', async () => {
    const cwd = await aggregated(
      files(
        `    await ctx.plan({ do: 'set', identity: '1', attribute: 'email', value: args.who + '@example.org', reason: 'r' })`,
      ),
    )
    const [first] = [await run(cwd, 'run mine --set who=a'), await run(cwd, 'run mine --set who=b')]
    const email = async () =>
      (JSON.parse((await runCli('identity show 1 --json', { cwd })).stdout) as IdentityDocument).attributes.email
    const refused = await runCli(`undo ${first.result.id}`, { cwd })
    expect([refused.code, await email()]).toEqual([1, 'b@example.org'])
    expect(refused.stdout + refused.stderr).toContain('cannot be taken back: 1 changed since')
    expect((await runCli(`undo ${first.result.id} --accept 1`, { cwd })).code).toBe(0)
    expect(await email()).toBe('ada@example.com')
  })

  it('keeps rows that are no records as rejects, takes no attribute that is none, and no application that is none', async () => {
    const cwd = project({ ...smallOrganisation, 'hr.csv': `${smallOrganisation['hr.csv']}4,too,few\n` })
    await runCli('run aggregation', { cwd })
    write(cwd, {
      ...files(`    const tried = async (work) => { try { await work() } catch (error) { ctx.log.info(error.message) } }
    const hr = await ctx.connect('hr')
    await tried(() => hr.evidence())
    for await (const record of hr.records()) void record
    await tried(() => ctx.connect('hrr').then((one) => one.records().next()))
    const set = { do: 'set', identity: '1', attribute: 'email', value: 'x', reason: 'r' }
    await tried(() => ctx.plan({ ...set, attribute: 'emial' }))
    await tried(() => ctx.plan({ ...set, value: ['x'] }))
    await tried(() => ctx.plan({ ...set, identity: '9' }))
    await tried(() => ctx.plan({ ...set, reason: '' }))`),
    })
    const { code, result } = await run(cwd)
    expect([code, result.rejects.total]).toEqual([3, 1])
    const said = texts(result)
    for (const text of [
      'the records of hr were not read to their end',
      'no application named "hrr"',
      'identities have no attribute "emial": they have employeeNumber, email',
      '1: email takes one value',
      'there is no identity "9"',
      'this is no change',
    ])
      expect(said).toContain(text)
  })

  it('resumes after a kill to the state of an undisturbed run', async () => {
    const body = files(
      `    await ctx.plan({ do: 'set', identity: '1', attribute: 'email', value: 'x@example.com', reason: 'r' })
    for (const who of ['svc', 'svc2', 'svc3']) await ctx.plan({ do: 'link', account: 'ad:' + who, identity: '1', reason: 'r' })
    await ctx.plan({ do: 'tag', entitlement: 'ad:groups:g1', tag: 'x' })`,
      'lossLimit: 1\n',
    )
    const whole = await aggregated(body)
    const calls = Number(runMortal(whole, 'mine', 0).stdout)
    const state = async (cwd: string) =>
      (await runCli('account find --json --fields application,nativeIdentity,identity', { cwd })).stdout +
      (await runCli('entitlement find --tag x --json --fields value', { cwd })).stdout +
      (await runCli('identity find --json --fields name,attributes', { cwd })).stdout
    const wanted = await state(whole)
    expect(wanted).toContain('"g1"')
    for (const at of [Math.floor(calls / 2), calls - 5, calls - 2]) {
      const cwd = await aggregated(body)
      expect(runMortal(cwd, 'mine', at).signal, `${at} of ${calls}`).toBe('SIGKILL')
      const { code, result } = await run(cwd, 'run mine --resume')
      expect([at, code, result.status]).toEqual([at, 0, 'success'])
      expect(await state(cwd)).toBe(wanted)
    }
  })
})

describe('an executor that goes wrong', () => {
  it('and throws is told with its line', async () => {
    const cwd = await aggregated(files(`    await Promise.resolve()\n    throw new Error('boom')`))
    const before = rowsOf(cwd)
    const { code, result } = await run(cwd)
    expect([code, result.status]).toEqual([1, 'error'])
    expect(texts(result)).toMatch(/tasks\/mine\.ts:10:11: the executor threw: boom/)
    expect(rowsOf(cwd)).toBe(before)
  })

  it('and never returns, never waits or does not listen is ended by its timeout', async () => {
    const ended = async (body: string) => {
      const cwd = await aggregated(files(body, 'timeout: 1s\n'))
      const began = performance.now()
      const { code, result } = await run(cwd)
      expect(performance.now() - began).toBeLessThan(15_000)
      return [code, result.status, result.stoppedBy]
    }
    const ends = await Promise.all([
      ended('    await new Promise(() => setInterval(() => {}, 1000))'),
      ended('    for (;;);'),
      ended(`    ctx.signal.addEventListener('abort', () => {}); for (;;) await new Promise((r) => setTimeout(r, 50))`),
    ])
    expect(ends).toEqual(Array(3).fill([1, 'terminated', 'timeout']))
  })

  it('and is told to stop by a signal ends in time', async () => {
    const cwd = await aggregated(files('    ctx.log.info("here"); for (;;);'))
    const { process: child, done } = spawnCli(['run', 'mine', '--progress', 'jsonl'], cwd)
    for await (const piece of child.stdout) if (String(piece).includes('here')) break
    child.kill('SIGTERM')
    expect((await done).code).toBe(143)
  })

  it.skipIf(!machineHas('setpriv', 'util-linux'))(
    'and never returns does not outlive its run, also one that is killed',
    async () => {
      const cwd = await aggregated(files('    ctx.log.info(`process ${process.pid}.`); for (;;);'))
      const { process: child, done } = spawnCli(['run', 'mine', '--progress', 'jsonl'], cwd)
      let said = ''
      for await (const piece of child.stdout) {
        said += String(piece)
        if (/process \d+\./.test(said)) break
      }
      const host = Number(/process (\d+)\./.exec(said)?.[1])
      child.kill('SIGKILL')
      expect((await done).signal).toBe('SIGKILL')
      await until(() => !isAlive(host))
    },
  )

  it('and ends its process is told so', async () => {
    const { code, result } = await run(await aggregated(files('    process.exit(0)')))
    expect([code, result.status]).toEqual([1, 'error'])
    expect(texts(result)).toContain('the process of the executor ended by itself (exit 0)')
  })

  it('and does not load is refused before there is a result', async () => {
    const cwd = project({ ...smallOrganisation, ...files('') })
    for (const [text, message] of [
      ['export default 1\n', 'it exports no executor'],
      ['import x from "./nothing.ts"\nexport default x\n', 'nothing.ts'],
      ['const x: = 1\n', 'the executor threw'],
    ] as const) {
      write(cwd, { 'tasks/mine.ts': text })
      const { code, error } = await run(cwd)
      expect([code, error.code]).toEqual([2, 'IQ8001'])
      expect(error.message).toContain(message)
    }
    write(cwd, { 'tasks/mine.yaml': task().replace('mine.ts', 'miner.ts') })
    expect((await run(cwd)).error.message).toContain('there is no file')
  })

  it('or may be written by others, or imports what may, is not run', async () => {
    const cwd = project({ ...smallOrganisation, ...files('') })
    chmodSync(join(cwd, 'tasks/mine.ts'), 0o666)
    expect((await run(cwd)).error.code).toBe('IQ1109')
    chmodSync(join(cwd, 'tasks/mine.ts'), 0o644)
    write(cwd, { 'tasks/mine.ts': executor('', "import './helper.ts'"), 'tasks/helper.ts': '' })
    expect((await run(cwd)).code).toBe(0)
    chmodSync(join(cwd, 'tasks/helper.ts'), 0o662)
    expect((await run(cwd)).error.message).toContain('may be written by others')
  })

  it('cannot change the store behind the back of the framework', async () => {
    const sqlite = join(import.meta.dirname, '../node_modules/better-sqlite3/lib/index.js')
    const tries = [
      `const { default: Sqlite } = await import(${JSON.stringify(sqlite)}); new Sqlite(path).exec('delete from account')`,
      `const { DatabaseSync } = await import('node:sqlite'); new DatabaseSync(path).exec('delete from account')`,
      `const { writeFileSync } = await import('node:fs'); writeFileSync(path, '')`,
      `const { truncateSync } = await import('node:fs'); truncateSync(path)`,
      `const { rmSync } = await import('node:fs'); rmSync(path)`,
      `const { execFileSync } = await import('node:child_process'); execFileSync('sh', ['-c', 'rm ' + path])`,
      `const { Worker } = await import('node:worker_threads'); new Worker('require("fs").rmSync("' + path + '")', { eval: true, execArgv: [] })`,
      `process.dlopen({ exports: {} }, ${JSON.stringify(sqlite)})`,
    ]
    const body = tries
      .map((one, i) => `    try { ${one}; ctx.log.error('did ${i}') } catch { ctx.count('kept') }`)
      .join('\n')
    const cwd = await aggregated(files(`    const path = process.cwd() + '/var/iqtask.db'\n${body}`))
    const before = rowsOf(cwd)
    const { code, result } = await run(cwd)
    expect(texts(result)).toBe('')
    expect([code, result.counts.kept]).toEqual([0, tries.length])
    expect(rowsOf(cwd)).toBe(before)
  })
})

describe('a sequence with an executor of the project', () => {
  it('runs it only when something changed, is killed in the middle, resumes, and tells the story', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...files(`    await ctx.plan({ do: 'tag', entitlement: 'ad:groups:g1', tag: 'seen' })`),
      'tasks/nightly.yaml': `kind: TaskDefinition\nname: nightly\nexecutor: sequence
arguments: { tasks: [{ task: aggregation }, { task: mine, when: changed }] }\n`,
      'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}notify:
  channels: { box: { type: file, folder: box } }
  rules: [{ on: [success, warning], tasks: [nightly], channels: [box] }]
`,
    })
    const calls = Number(runMortal(cwd, 'nightly', 0).stdout)
    expect(calls).toBeGreaterThan(10)
    const other = project({})
    cpSync(cwd, other, { recursive: true, filter: (path) => !path.endsWith('/var') && !path.endsWith('/box') })
    expect(runMortal(other, 'nightly', Math.floor(calls * 0.7)).signal).toBe('SIGKILL')
    const { result } = await run(other, 'run nightly --resume')
    expect(result.status).toBe('warning')
    const told = result.messages.map(({ item, text }) => `${item ?? 'run'}: ${text}`)
    expect(told.filter((one) => !one.startsWith('run'))).toEqual([
      expect.stringMatching(/^aggregation: warning in .*, with changes: result /),
      expect.stringMatching(/^mine: success in .*, with changes: result /),
    ])
    expect(told.filter((one) => one.startsWith('run'))).toEqual([
      expect.stringContaining('is gone'),
      expect.stringContaining('resumed at'),
    ])
    expect(result.children).toHaveLength(2)
    expect(result.notices.length).toBe(1)
    const again = await run(other, 'run nightly')
    expect(texts(again.result)).toContain('not run: nothing changed in aggregation')
  })
})
