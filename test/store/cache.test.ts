import { expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { keepManyPages, sortInPieces } from '../../src/store/cache.ts'
import { project } from '../helpers/project.ts'

it('a sort leaves as many pages as there were before it, also where it fails', async () => {
  const app = await openApp({ cwd: project({ 'iqtask.config.yaml': 'timeZone: UTC\n' }), env: {} })
  const { db } = app.store()
  const state = () => ['main.cache_size', 'threads'].map((name) => db.statement(`pragma ${name}`).pluck().get())
  const within: unknown[] = []
  for (const fails of [false, true]) {
    keepManyPages(db)
    const sort = () =>
      sortInPieces(db, () => {
        within.push(state())
        if (fails) throw new Error('full')
      })
    if (fails) expect(sort).toThrow('full')
    else sort()
    expect(state()).toEqual([-49152, 0])
  }
  expect(within).toEqual([
    [-1024, 1],
    [-1024, 1],
  ])
  await app.close()
})
