import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { type ResourceLimits, Worker } from 'node:worker_threads'

/**
 * Starts the thread whose code is the file `name` beside the module `from` (its `import.meta.url`), without the ending. It compiles
 * nothing that the cache of the process has (`bin/iqtask.js`), into which threads look only when they are told to.
 */
export function startThread(from: string, name: string, workerData: unknown, resourceLimits: ResourceLimits): Worker {
  const cache = getCompileCacheDir()
  const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(cache) }
  return new Worker(new URL(`${name}.${from.endsWith('.ts') ? 'ts' : 'js'}`, from), { workerData, resourceLimits, env })
}
