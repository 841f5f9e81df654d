import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { AbortError } from '../../src/base/errors.ts'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { ownProcess } from '../../src/task/process.ts'
import type { RunRequest } from '../../src/task/run-request.ts'
import { digestOf } from '../helpers/digest.ts'
import { runMortalSteps } from '../helpers/mortal.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { until } from '../helpers/spawn-cli.ts'

const sequence = (steps: string, more = '', name = 'nightly') => ({
  [`tasks/${name}.yaml`]: `kind: TaskDefinition\nname: ${name}\nexecutor: sequence\n${more}arguments:\n${steps}`,
})
const aggregate = (app: string, more = '') =>
  `    - { name: ${app}, task: aggregation, arguments: { applications: [${app}] }${more} }\n`
const steps = (...lines: string[]) => `  tasks:\n${lines.join('')}`
const run = async (cwd: string, line: string) => {
  const done = await runCli(`${line} --json`, { cwd })
  return { ...done, result: (done.stdout === '' ? {} : JSON.parse(done.stdout)) as TaskResultDocument }
}
const told = (result: TaskResultDocument) =>
  result.messages.flatMap(({ item, text }) =>
    item === undefined ? [] : [`${item}: ${text.replace(/ in [^,]+,/, '').replace(/ result .*/, '')}`],
  )
const results = async (cwd: string, filter = '') =>
  (
    JSON.parse(
      (await runCli(`results list --all ${filter} --json`, { cwd })).stdout,
    ) as ListDocument<TaskResultDocument>
  ).items

describe('a sequence', () => {
  it('runs its steps in order, each as a child, and passes over what has nothing to do', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...sequence(steps(aggregate('hr'), aggregate('ad', ', when: changed'))),
    })
    const first = await run(cwd, 'run nightly')
    expect(first.code).toBe(3)
    expect(told(first.result)).toEqual(['hr: success with changes:', 'ad: warning with changes:'])
    expect(first.result.counts).toEqual({ succeeded: 1, warned: 1, failed: 0, skipped: 0, passedOver: 0 })
    const children = (await results(cwd)).filter((one) => one.trigger === 'sequence')
    expect(first.result.children).toEqual(children.map((one) => one.id).reverse())
    expect(children.map((one) => one.arguments.applications)).toEqual([['ad'], ['hr']])
    const again = await run(cwd, 'run nightly')
    expect(told(again.result)).toEqual(['hr: success without changes:', 'ad: not run: nothing changed in hr'])
    expect(again.result.counts).toMatchObject({ succeeded: 1, passedOver: 1 })
    expect(again.code).toBe(0)
  })

  it('is told as one that changed something where a step did, and as one run', async () => {
    const cwd = project({
      ...smallOrganisation,
      'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}notify:
  channels: { box: { type: file, folder: box } }
  rules: [{ on: [changed], channels: [box] }]
`,
      ...sequence(steps(aggregate('hr'), aggregate('ad'))),
    })
    const told = async () => (await run(cwd, 'run nightly')).result.notices.map(({ event }) => event)
    expect(await told()).toEqual(['changed'])
    expect(await told()).toEqual([])
    expect(readdirSync(join(cwd, 'box'))).toHaveLength(1)
  })

  it('goes down to the steps in a dry run, and changes nothing', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...sequence(steps(aggregate('hr'), aggregate('ad', ', when: changed'))),
    })
    const { result } = await run(cwd, 'run nightly --dry-run')
    expect(told(result)).toEqual(['hr: success with changes:', 'ad: success with changes:'])
    expect((await results(cwd)).map((one) => one.dryRun)).toEqual([true, true, true])
    expect((await runCli('account find --json', { cwd })).stdout).toContain('"total": 0')
  })

  it('hands parameters down to its steps', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...sequence(
        `  tasks: [{ task: aggregation, arguments: { applications: "\${args.apps}" } }]\n`,
        'parameters: [{ name: apps, type: list, default: [hr] }]\n',
      ),
    })
    await run(cwd, 'run nightly --set apps=hr,ad')
    expect((await results(cwd, '--task aggregation'))[0]?.arguments.applications).toEqual(['hr', 'ad'])
  })

  it('stops at a failure but for what always runs, or continues with what does not depend on it', async () => {
    const body = steps(
      aggregate('hr'),
      aggregate('ad'),
      '    - { name: after, task: aggregation, needs: [ad] }\n',
      '    - { name: other, task: entitlement-aggregation, needs: [hr, ad], when: warning }\n',
      '    - { name: alone, task: decide, needs: [other], when: always }\n',
    )
    const cwd = project({
      ...smallOrganisation,
      ...sequence(body),
      ...sequence(`  onError: continue\n${body}`, '', 'on'),
    })
    write(cwd, { 'ad.csv': '' })
    const stop = await run(cwd, 'run nightly')
    expect(stop.code).toBe(1)
    expect(stop.result.status).toBe('error')
    expect(told(stop.result)).toEqual([
      'hr: success with changes:',
      'ad: error without changes:',
      'after: not run: a step failed, and onError is stop',
      'other: not run: a step failed, and onError is stop',
      'alone: success without changes:',
    ])
    const go = await run(cwd, 'run on')
    expect(told(go.result).slice(1, 4)).toEqual([
      'ad: error without changes:',
      'after: not run: ad failed',
      'other: not run: hr, ad failed',
    ])
    expect(go.code).toBe(1)
  })

  it('begins at a step that is named, and takes what is before it for done', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...sequence(steps(aggregate('hr'), aggregate('ad', ', when: changed'))),
    })
    const { result } = await run(cwd, 'run nightly --from ad')
    expect(told(result)).toEqual(['hr: not run: it comes before ad', 'ad: success with changes:'])
    const typo = await runCli('run nightly --from add', { cwd })
    expect(typo.code).toBe(2)
    expect(typo.stdout).toContain('nightly has no step "add" (its steps are hr, ad)')
    expect((await runCli('run nightly --from ad --resume', { cwd })).code).toBe(2)
  })

  it('shows its graph', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...sequence(steps(aggregate('hr'), aggregate('ad', ', when: changed'), aggregate('x', ', needs: [hr]'))),
    })
    expect((await runCli('task show nightly --graph', { cwd })).stdout).toBe(
      '  1  hr  at once                   runs aggregation\n  2  ad  after hr  when changed  runs aggregation\n     x   after hr  when success  runs aggregation\n'.replace(
        'at once                   runs',
        'at once     runs',
      ),
    )
    const { stdout } = await runCli('task show nightly --graph --json', { cwd })
    expect((JSON.parse(stdout) as { steps: unknown[] }).steps).toHaveLength(3)
    expect((await runCli('task show aggregation --graph', { cwd })).code).toBe(2)
  })

  it('refuses what cannot be run before its first step', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...sequence('  tasks: [{ task: a, needs: [b] }, { task: b, needs: [a] }]\n', '', 'circle'),
      ...sequence('  tasks: [{ task: aggregation }, { task: agregation }]\n', '', 'typo'),
      ...sequence(steps(aggregate('hr'), '    - { task: undo }\n'), '', 'wrong'),
      ...sequence('  tasks: [{ task: aggregation }, { task: one }]\n', '', 'one'),
    })
    const circle = await runCli('run circle', { cwd })
    expect(circle.code).toBe(2)
    expect(circle.stderr).toContain('steps need each other in a circle: a → b → a')
    expect(
      (await runCli('config validate', { cwd })).stderr + (await runCli('task validate circle', { cwd })).stderr,
    ).toContain('a → b → a')
    for (const [task, text] of [
      ['typo', 'no task named "agregation"'],
      ['wrong', 'undo needs the parameter "result"'],
      ['one', 'the sequence runs itself: one → one'],
    ] as const) {
      const { code, result } = await run(cwd, `run ${task}`)
      expect([task, code], JSON.stringify(result.messages)).toEqual([task, 2])
      expect(JSON.stringify(result.messages)).toContain(JSON.stringify(text).slice(1, -1))
      expect(result.children).toEqual([])
    }
    const planned = await runCli('plan wrong --out x.plan', {
      cwd: project({ ...smallOrganisation, ...sequence(steps(aggregate('hr')), '', 'wrong') }),
    })
    expect(planned.stdout + planned.stderr).toContain('a sequence has no plan of its own')
    expect(planned.stdout + planned.stderr).toContain(
      'iqtask run wrong --dry-run looks at every step; iqtask plan aggregation plans one',
    )
    expect(planned.code).toBe(2)
  })

  it('says that a step runs elsewhere and exits 5, skips it or waits for it', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...sequence(steps(aggregate('hr'), '    - { task: decide, when: warning }\n')),
    })
    const app = await openApp({ cwd, env: {} })
    const store = app.store()
    const at = app.clock.now().toISOString()
    const number = store.db.write(() => {
      const id = store.runs.insert({
        ...{
          resultId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
          task: 'aggregation',
          executor: 'account-aggregation',
          trigger: 'manual',
        },
        ...{ actor: {}, dryRun: false, arguments: {}, toolVersion: '0', queuedAt: at, ...ownProcess() },
        definition: { text: '', sha256: '', git: undefined },
      })
      store.runs.start(id, at)
      return id
    })
    const busy = await run(cwd, 'run nightly')
    expect(busy.code).toBe(5)
    expect(told(busy.result)[0]).toContain('hr: aggregation runs already:')
    const skipped = await run(cwd, 'run nightly --if-running skip')
    expect(skipped.code).toBe(3)
    expect(skipped.result.counts).toMatchObject({ skipped: 1, succeeded: 1 })
    const waiting = run(cwd, 'run nightly --if-running wait')
    await until(() => store.runs.live().some((row) => row.task === 'aggregation' && row.status === 'queued'))
    store.db.write(() =>
      store.runs.end(
        number,
        {
          status: 'success',
          exitCode: 0,
          stoppedBy: undefined,
          counts: {},
          quality: undefined,
          endedAt: at,
          durationMs: 0,
        },
        undefined,
      ),
    )
    expect((await waiting).code).toBe(0)
    await app.close()
  })
})

describe('a sequence that is stopped', () => {
  it('stops the step that runs, starts no other one, and goes on from there', async () => {
    const cwd = project({ ...smallOrganisation, ...sequence(steps(aggregate('hr'), aggregate('ad'))) })
    const app = await openApp({ cwd, env: {} })
    const controller = new AbortController()
    const result = await app.run({
      task: 'nightly',
      trigger: 'manual',
      set: {},
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'progress') controller.abort(new AbortError('enough', { code: 'IQ3002', cause: 'SIGINT' }))
      },
    })
    expect(result).toMatchObject({ status: 'terminated', exitCode: 130, stoppedBy: 'SIGINT' })
    expect(app.store().results.find(result.children[0] ?? '')).toMatchObject({ status: 'terminated' })
    expect(result.children).toHaveLength(1)
    await app.close()
    const { stdout } = await runCli('recover --json', { cwd })
    const { items } = JSON.parse(stdout) as ListDocument<TaskResultDocument>
    expect(items.map(({ task, status }) => [task, status])).toEqual([['nightly', 'warning']])
    expect(items[0]?.children).toHaveLength(2)
  })
})

describe('branches of a sequence', () => {
  const executor = (name: string) => ({
    [`tasks/${name}.yaml`]: `kind: TaskDefinition\nname: ${name}\nexecutor: ./wait.ts\n`,
    'tasks/wait.ts': `import { defineExecutor } from 'iqtask'
import { z } from 'zod'
export default defineExecutor({ name: 'wait', summary: '', arguments: z.object({}), run: () => new Promise((done) => setTimeout(done, 1500)) })
`,
  })
  it('that do not need each other run side by side; what needs both comes after both', async () => {
    const cwd = project({
      ...smallOrganisation,
      ...executor('left'),
      ...executor('right'),
      ...sequence(
        '  tasks: [{ task: left, needs: [] }, { task: right, needs: [] }, { task: decide, needs: [left, right] }]\n',
      ),
    })
    expect((await run(cwd, 'run nightly')).code).toBe(0)
    const times = new Map((await results(cwd)).map((one) => [one.task, one]))
    const of = (task: string) => {
      const { startedAt, endedAt } = times.get(task) ?? { startedAt: null, endedAt: null }
      return { from: Date.parse(startedAt ?? ''), to: Date.parse(endedAt ?? '') }
    }
    const [left, right, both] = [of('left'), of('right'), of('decide')]
    expect(Math.max(left.from, right.from)).toBeLessThan(Math.min(left.to, right.to))
    expect(both.from).toBeGreaterThanOrEqual(Math.max(left.to, right.to))
  })
})

describe('the guards of a sequence', () => {
  const people = (from: number, to: number, state = 'active') =>
    Array.from({ length: to - from }, (_, i) => `${from + i},P,p${from + i}@example.com,${state},2020-01-31\n`).join('')
  const header = 'id,name,mail,state,start\n'
  const feed = (n: number) => ({ 'hr.csv': header + people(0, 15 * n, 'left') + people(15 * n, 200) })
  const files = {
    ...smallOrganisation,
    'applications/hr.yaml': smallOrganisation['applications/hr.yaml'].replace(
      'account:',
      'account:\n  disabled: { expr: "account.state != \'active\'" }',
    ),
    ...sequence(steps(aggregate('hr'), aggregate('hr', ', when: always').replace('name: hr', 'name: again'))),
  }
  /** Between the steps, 15 more of the 200 accounts are disabled in the system. */
  async function runWhileItChanges(cwd: string, request: Partial<RunRequest> = {}) {
    await run(cwd, 'run aggregation --set applications=hr')
    write(cwd, feed(1))
    const app = await openApp({ cwd, env: {} })
    const result = await app.run({
      ...{ task: 'nightly', trigger: 'manual', set: {} },
      ...request,
      onEvent: (event) => {
        if (event.type === 'message' && event.item === 'hr' && event.code === 'IQ3101') write(cwd, feed(2))
      },
    })
    await app.close()
    return result
  }

  it('judge what its steps do together: what each may do alone, both may not', async () => {
    const cwd = project({ ...files, ...feed(0) })
    const result = await runWhileItChanges(cwd)
    expect(told(result)).toEqual(['hr: success with changes:', 'again: error (guard) without changes:'])
    expect([result.exitCode, result.stoppedBy]).toEqual([4, 'guard'])
    const [again] = await results(cwd, '--task aggregation')
    const tripped = again?.guards.filter((guard) => guard.verdict === 'tripped')
    expect(tripped).toMatchObject([{ guard: 'disables', application: 'hr', value: 15, limit: 5 }])
    expect(tripped?.[0]?.text).toContain('30 with the steps before it (15 % of 200; limit 20)')
    // by itself it passes: it is the sequence that is judged
    expect((await run(cwd, 'run aggregation --set applications=hr')).code).toBe(0)
  })

  it('judge a sequence in it together with what is around it, and know that it changed something', async () => {
    const cwd = project({
      ...files,
      ...feed(0),
      ...sequence(steps(aggregate('hr')), '', 'inner'),
      ...sequence(
        steps('    - { name: hr, task: inner }\n', aggregate('again', ', when: changed').replace('[again]', '[hr]')),
      ),
    })
    const result = await runWhileItChanges(cwd)
    expect(told(result)).toEqual(['hr: success with changes:', 'again: error (guard) without changes:'])
    const [again] = await results(cwd, '--task aggregation')
    expect(again?.guards.find((guard) => guard.verdict === 'tripped')?.text).toContain('30 with the steps before it')
  })

  it('are its own too: they go before those of its steps, in a sequence in it as well', async () => {
    const cwd = project({
      ...files,
      ...feed(0),
      ...sequence(steps(aggregate('hr')), '', 'inner'),
      ...sequence(steps('    - { task: inner }\n'), 'guards: { disables: { max: 14 } }\n'),
    })
    await run(cwd, 'run aggregation --set applications=hr')
    write(cwd, feed(1))
    const { code, result } = await run(cwd, 'run nightly')
    expect([code, result.stoppedBy]).toEqual([4, 'guard'])
    const [stopped] = await results(cwd, '--task aggregation')
    expect(stopped?.guards.find((guard) => guard.verdict === 'tripped')).toMatchObject({ guard: 'disables', limit: 14 })
    // by itself the step passes
    expect((await run(cwd, 'run aggregation --set applications=hr')).code).toBe(0)
    write(cwd, sequence(steps(aggregate('hr')), 'guards: { disabless: off }\n'))
    expect((await runCli('run nightly', { cwd })).code).toBe(2)
  })

  it('are allowed for all of its steps with one word', async () => {
    const cwd = project({ ...files, ...feed(0) })
    const result = await runWhileItChanges(cwd, { allow: { guards: ['disables'], reason: 'they left' } })
    expect(told(result)).toEqual(['hr: success with changes:', 'again: success with changes:'])
  })
})

describe('a sequence that is killed', () => {
  const files = { ...smallOrganisation, ...sequence(steps(aggregate('hr'), aggregate('ad', ', when: changed'))) }

  it('before, in or after any step, resumes: every step is run once, and the end is that of an undisturbed run', async () => {
    const quiet = project(files)
    const boundaries = JSON.parse(runMortalSteps(quiet, 'nightly', 0).stdout) as number[]
    const wanted = digestOf(quiet)
    // every step is named by its parent, begins, and ends; so does the sequence
    expect(boundaries.length).toBeGreaterThan(2 * 3)
    for (const point of boundaries.slice(1, -1)) {
      const cwd = project(files)
      expect(runMortalSteps(cwd, 'nightly', point).signal, `transaction ${point}`).toBe('SIGKILL')
      const { code, result } = await run(cwd, 'run nightly --resume')
      expect([point, code, result.status]).toEqual([point, 3, 'warning'])
      expect(digestOf(cwd)).toBe(wanted)
      expect(result.counts).toMatchObject({ succeeded: 1, warned: 1, failed: 0 })
      expect(new Set(told(result)).size).toBe(2)
      const steps = (await results(cwd)).filter((one) => one.trigger === 'sequence')
      expect(steps.map(({ id }) => id).sort()).toEqual([...result.children].sort())
      expect(steps.map((one) => [one.task, one.status, one.counts.created ?? 0]).sort()).toEqual([
        ['aggregation', 'success', 3],
        ['aggregation', 'warning', 6],
      ])
    }
  })
})
