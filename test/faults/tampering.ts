import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { FaultFigure, Measured, Size } from './figure.ts'
import { storeOf, works } from './scenario.ts'
import type { Tool } from './tool.ts'

/** What somebody may do to the trail who can write the file; the last two show only against a checkpoint kept elsewhere. */
const tamperings: readonly { readonly what: string; readonly sql: string; readonly needsCheckpoint?: true }[] = [
  { what: 'edit', sql: `update audit set actor = '{"user":"eve"}' where seq = 5` },
  { what: 'delete', sql: 'delete from audit where seq = 5' },
  {
    what: 'insert',
    sql: `update audit set seq = -seq where seq >= 5; update audit set seq = 1 - seq where seq < 0;
      insert into audit select 5, at, actor, action, object, 'x', run, body, hash from audit where seq = 4`,
  },
  {
    what: 'reorder',
    sql: 'update audit set seq = -1 where seq = 5; update audit set seq = 5 where seq = 6; update audit set seq = 6 where seq = -1',
  },
  { what: 'cut the tail', sql: 'delete from audit where seq > 8', needsCheckpoint: true },
  { what: 'rewrite all', sql: '', needsCheckpoint: true },
]

/** Past the tool; the triggers are put back, so that only the events tell of it. */
function tamper(path: string, sql: string): void {
  const db = new Sqlite(path)
  const triggers = db
    .prepare(`select name, sql from sqlite_schema where type = 'trigger' and tbl_name = 'audit'`)
    .all() as {
    name: string
    sql: string
  }[]
  for (const { name } of triggers) db.exec(`drop trigger ${name}`)
  db.exec(sql)
  for (const trigger of triggers) db.exec(trigger.sql)
  db.close()
}

/** Takes the trail away, so that the tool begins a new one that fits in itself, longer than the checkpoint. */
async function rewrite(tool: Tool, cwd: string): Promise<void> {
  tamper(storeOf(cwd), 'delete from audit')
  for (let again = 0; again < 4; again++) await tool.run(cwd, ['run', 't'])
}

async function measure(tool: Tool, _size: Size): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-tamper-'))
  const start = join(folder, 'start')
  const wrong: string[] = []
  try {
    await works[0]?.prepare(tool, start)
    await tool.run(start, ['run', 't'])
    await tool.run(start, ['audit', 'checkpoint', '../checkpoint.json'])
    for (const { what, sql, needsCheckpoint } of [{ what: 'nothing', sql: '' }, ...tamperings] as typeof tamperings) {
      const cwd = join(folder, what.replaceAll(' ', '-'))
      cpSync(start, cwd, { recursive: true })
      if (what === 'rewrite all') await rewrite(tool, cwd)
      else tamper(storeOf(cwd), sql)
      const against = needsCheckpoint === true ? ['--checkpoint', '../checkpoint.json'] : []
      const { status } = await tool.run(cwd, ['audit', 'verify', ...against])
      const expected = what === 'nothing' ? 0 : 6
      if (status !== expected) wrong.push(`${what}: verify ended with ${status} instead of ${expected}`)
    }
    return { value: `${tamperings.length - wrong.length} of ${tamperings.length} found`, wrong }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const tampering: FaultFigure = {
  id: 'F20',
  what: 'the audit trail is edited, cut, grown, reordered, shortened, written anew',
  goal: 'every kind found, two of them against a checkpoint; the trail as written verifies',
  measure,
}
