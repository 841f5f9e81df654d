import { once } from 'node:events'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { startThread } from '../../src/base/thread.ts'
import { project } from '../helpers/project.ts'

it('a thread is given its data and compiles nothing that the process has in its cache', async () => {
  const folder = project({
    'echo.js': `const { parentPort, workerData } = require('node:worker_threads')
      parentPort.postMessage([workerData, require('node:module').getCompileCacheDir(), process.env.HOME])`,
  })
  const from = pathToFileURL(join(folder, 'starter.js')).href
  enableCompileCache(join(folder, 'cache'))
  const thread = startThread(from, './echo', { number: 7 }, { maxYoungGenerationSizeMb: 2 })
  const [said] = await once(thread, 'message')
  expect(getCompileCacheDir()).toContain(folder)
  expect(said).toEqual([{ number: 7 }, getCompileCacheDir(), process.env.HOME])
})
