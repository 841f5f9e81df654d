import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openApp } from '../../../src/app.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { inSteps } from '../../../src/store/bulk/steps.ts'
import { openStore } from '../../../src/store/open.ts'
import { project, smallOrganisation } from '../../helpers/project.ts'

it('long work lets others in between its steps, each a transaction of its own, and ends where it is told to', async () => {
  const { db, close } = openStore({ path: join(project(), 's.db'), clock: systemClock, create: true })
  const done: string[] = []
  function* steps(): Generator<void> {
    db.exec(`create temp table t(x)`)
    done.push('one')
    yield
    db.exec(`insert into t values (1)`)
    done.push('two')
    yield
    done.push('three')
  }
  const pause = async (): Promise<void> => {
    // what a heartbeat does: it must neither join the work's transaction nor wait for it
    db.write(() => db.exec(`insert into meta(key, value) values ('beat ${done.length}', '')`))
    if (done.includes('two')) throw new Error('stop')
  }
  await expect(inSteps(db, steps(), pause)).rejects.toThrow('stop')
  expect(done).toEqual(['one', 'two'])
  expect(db.statement('select count(*) from t').pluck().get()).toBe(1)
  expect(db.statement(`select count(*) from meta where key like 'beat%'`).pluck().get()).toBe(2)
  close()
})

it('only phases with something to do are entered', async () => {
  const app = await openApp({ cwd: project(smallOrganisation), env: {} })
  const { runs } = app.store()
  const phases = new Set<unknown>()
  const { checkpoint } = runs
  ;(runs as { checkpoint: typeof checkpoint }).checkpoint = (run, kept, at) => {
    phases.add((kept as { current?: { phase: string } }).current?.phase)
    checkpoint(run, kept, at)
  }
  const run = () => app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  await run()
  expect([...phases]).toEqual(expect.arrayContaining(['catalogue', 'create']))
  expect([...phases]).not.toContain('change')
  phases.clear()
  await run()
  for (const name of ['catalogue', 'create', 'change', 'missing']) expect([...phases]).not.toContain(name)
  await app.close()
})
