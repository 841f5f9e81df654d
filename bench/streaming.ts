import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Suite } from './figure.ts'

const entry = join(import.meta.dirname, '../bin/iqtask.js')

/** A list of everything goes out row by row: what it takes must not grow with the store. */
export const streaming: Suite = {
  name: 'streaming',
  summary: 'peak memory of a list of everything as JSON lines',
  run({ small }) {
    const rows = small ? 50_000 : 1_000_000
    const cwd = mkdtempSync(join(tmpdir(), 'iqtask-bench-'))
    try {
      fill(cwd, rows)
      const { stderr, stdout } = spawnSync(
        'sh',
        ['-c', `/usr/bin/time -f %M "$0" "$1" account find --output jsonl | wc -l`, process.execPath, entry],
        { cwd, encoding: 'utf8' },
      )
      if (Number(stdout) !== rows) throw new Error(`${stdout.trim()} lines instead of ${rows}: ${stderr}`)
      const mib = Number(stderr.trim().split('\n').at(-1)) / 1024
      return [
        {
          id: 'jsonl',
          what: `peak memory of ${rows} accounts as JSON lines`,
          value: Math.round(mib),
          unit: 'MB',
          goal: 150,
          note: `${rows} rows through a pipe`,
        },
      ]
    } finally {
      rmSync(cwd, { recursive: true, force: true })
    }
  },
}

/** A store with so many accounts, past the tool: what is measured is the way out. */
function fill(cwd: string, rows: number): void {
  writeFileSync(join(cwd, 'iqtask.config.yaml'), 'timeZone: UTC\n')
  spawnSync(process.execPath, [entry, 'run', 'decide'], { cwd })
  const db = new Sqlite(join(cwd, 'var/iqtask.db'))
  const triggers = db.prepare(`select name, sql from sqlite_schema where type = 'trigger'`).all() as {
    name: string
    sql: string
  }[]
  for (const { name } of triggers) db.exec(`drop trigger ${name}`)
  db.exec(`insert into application(name) values ('hr')`)
  db.prepare(
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)
     insert into account(application_id, native, state_run, link_run, attrs, hash, created_run, changed_run)
     select 1, 'u' || i, 1, 1, json_object('mail', 'u' || i || '@example.com', 'department', 'Finance'), x'00', 1, 1 from n`,
  ).run(rows)
  for (const { sql } of triggers) db.exec(sql)
  db.close()
}
