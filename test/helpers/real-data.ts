import { existsSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env.IQTASK_DATA ?? join(import.meta.dirname, '../../../shared/data')

/** A folder of the real data; undefined, and said aloud, where it is absent. */
export function realData(name: string): string | undefined {
  const path = join(folder, name)
  if (existsSync(path)) return path
  console.warn(`SKIPPED: the real data ${name} is not here; set IQTASK_DATA to the folder that holds it`)
  return undefined
}
