import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { ErrorDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli, until } from '../helpers/spawn-cli.ts'

const clean = { ...smallOrganisation, 'ad.csv': 'login,mail,enabled,groups\nada,ADA@example.com,yes,g1\n' }
const store = (cwd: string): string => join(cwd, 'var/iqtask.db')
const aggregate = (cwd: string) => runCli('run aggregation', { cwd })

interface Fault {
  readonly what: string
  readonly code: number
  readonly line?: string
  readonly files?: Readonly<Record<string, string>>
  /** After a first, clean run. */
  readonly spoil?: (cwd: string) => unknown
}

/** One line a fault: whatever is wrong, the exit code says of what kind it is, and it is never 0. */
const faults: readonly Fault[] = [
  { what: 'nothing', code: 0 },
  { what: 'nothing to change', code: 0, spoil: () => undefined },
  {
    what: 'a source that is not there',
    code: 1,
    files: { 'hr.csv.away': '' },
    spoil: (cwd) => write(cwd, { 'applications/hr.yaml': clean['applications/hr.yaml'].replace('hr.csv', 'gone.csv') }),
  },
  { what: 'an empty source', code: 1, spoil: (cwd) => write(cwd, { 'hr.csv': '' }) },
  {
    what: 'evidence that does not fit',
    code: 1,
    files: {
      'applications/hr.yaml': clean['applications/hr.yaml'].replace(
        '../hr.csv',
        '../hr.csv, evidence: { trailer: "^END;(?<rows>[0-9]+)$" }',
      ),
    },
  },
  {
    what: 'an executor of the project that throws',
    code: 1,
    line: 'run mine',
    files: {
      'tasks/mine.yaml': 'kind: TaskDefinition\nname: mine\nexecutor: ./mine.ts\n',
      'tasks/mine.ts': `import { defineExecutor } from 'iqtask'
import { z } from 'zod'
export default defineExecutor({ name: 'mine', summary: '', arguments: z.object({}), run() { throw new Error('boom') } })\n`,
    },
  },
  { what: 'changes where none were expected', code: 1, line: 'run aggregation --expect-no-change' },
  { what: 'an unknown command', code: 2, line: 'rum aggregation' },
  { what: 'an unknown option', code: 2, line: 'run aggregation --dryrun' },
  { what: 'a typo in a task', code: 2, line: 'run agregation' },
  { what: 'a value of the wrong kind', code: 2, line: 'run aggregation --limit many' },
  { what: 'an argument that is not there', code: 2, line: 'run aggregation --set aplications=hr' },
  { what: 'a typo in an application', code: 2, line: 'run aggregation --set applications=hrr' },
  { what: 'a key that an account lacks, asked for by --only', code: 1, line: 'run aggregation --only account.nmae==1' },
  { what: 'a result that is not there', code: 2, line: 'results show nothing', spoil: () => undefined },
  { what: 'an account that is not there', code: 2, line: 'account show ad:nobody', spoil: () => undefined },
  { what: 'a decision about nobody', code: 2, line: 'account link ad:nobody 1 --reason x', spoil: () => undefined },
  { what: 'a plan that is not there', code: 2, line: 'apply nothing.plan' },
  { what: 'a project that is not there', code: 2, line: 'results --project nowhere' },
  {
    what: 'a secret that does not resolve',
    code: 1,
    files: { 'applications/hr.yaml': clean['applications/hr.yaml'].replace('../hr.csv', '"${env:NOT_SET_ANYWHERE}"') },
  },
  {
    what: 'a secret that is written out',
    code: 2,
    line: 'config validate',
    files: {
      'iqtask.config.yaml': `${clean['iqtask.config.yaml']}notify: { channels: { ops: { type: smtp, host: h, from: a@b, to: [a@b], password: hunter2 } } }\n`,
    },
  },
  {
    what: 'an output file that is there already',
    code: 2,
    line: 'results export --out hr.csv',
    spoil: () => undefined,
  },
  { what: 'a question where nobody can be asked', code: 2, line: 'store restore hr.csv' },
  { what: 'a time limit that is over', code: 1, line: 'run aggregation --timeout 1ms' },
  {
    what: 'a doctor that finds something wrong',
    code: 1,
    line: 'doctor',
    files: { 'applications/bad.yaml': 'kind: Application\nname: bad\nconector: x\n' },
  },
  { what: 'a guard that is not there', code: 2, line: 'run aggregation --allow deletez --reason x' },
  { what: 'a configuration that is not YAML', code: 2, files: { 'iqtask.config.yaml': 'a: [\n' } },
  {
    what: 'an unknown key',
    code: 2,
    line: 'config validate',
    files: { 'applications/hr.yaml': `${clean['applications/hr.yaml']}colour: red\n` },
  },
  {
    what: 'a rejected row',
    code: 3,
    spoil: (cwd) => write(cwd, { 'hr.csv': `${clean['hr.csv']}9,X,x@example.com,active,never\n` }),
  },
  { what: 'an open question', code: 3, files: { 'hr.csv': clean['hr.csv'], 'ad.csv': smallOrganisation['ad.csv'] } },
  { what: 'a guard', code: 4, spoil: (cwd) => write(cwd, { 'hr.csv': 'id,name,mail,state,start\n' }) },
  {
    what: 'a damaged store',
    code: 6,
    spoil: (cwd) => writeFileSync(store(cwd), 'no database at all, but long enough to look like one'.repeat(40)),
  },
  {
    what: 'a newer store',
    code: 6,
    spoil: (cwd) => {
      const db = new Sqlite(store(cwd))
      db.pragma('user_version = 9999')
      db.close()
    },
  },
  {
    what: 'a changed audit trail',
    code: 6,
    line: 'audit verify',
    spoil: (cwd) => {
      const db = new Sqlite(store(cwd))
      const triggers = db
        .prepare(`select name, sql from sqlite_schema where type = 'trigger' and tbl_name = 'audit'`)
        .all() as { name: string; sql: string }[]
      for (const { name } of triggers) db.exec(`drop trigger ${name}`)
      db.exec(`update audit set actor = '{}' where seq = 2`)
      for (const { sql } of triggers) db.exec(sql)
      db.close()
    },
  },
  { what: 'changes, asked for with --exit-code', code: 10, line: 'plan aggregation --exit-code' },
  {
    what: 'no changes, asked for with --exit-code',
    code: 0,
    line: 'plan aggregation --exit-code',
    spoil: () => undefined,
  },
]

describe('the exit code', () => {
  it.each(faults)('of $what is $code', async ({ code, line = 'run aggregation', files, spoil }) => {
    const cwd = project({ ...clean, 'hr.csv': clean['hr.csv'].replace(/^2,.*\n/m, ''), ...files })
    if (spoil !== undefined) {
      await aggregate(cwd)
      spoil(cwd)
    }
    const run = await runCli(`${line} --json`, { cwd })
    expect(run.code, run.stdout + run.stderr).toBe(code)
    // a run that began tells it in its result too; what never began tells it as an error
    if (run.stdout.startsWith('{\n  "schema": "iqtask/TaskResult/1"'))
      expect((JSON.parse(run.stdout) as TaskResultDocument).exitCode).toBe(code)
    else if (code === 2 && run.stdout === '') expect(JSON.parse(run.stderr) as ErrorDocument).toHaveProperty('code')
  })

  it('of a task that runs already is 5', async () => {
    const cwd = project(clean)
    const live = spawnCli(['run', 'aggregation', '--set', 'applications=ad', '--set', 'input=-'], cwd)
    await until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))
    expect((await aggregate(cwd)).code).toBe(5)
    live.process.stdin.end('login,mail,enabled,groups\n')
    expect((await live.done).code).toBe(0)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('of a run stopped by %s is %i', async (signal, code) => {
    const cwd = project(clean)
    const live = spawnCli(['run', 'aggregation', '--set', 'applications=ad', '--set', 'input=-'], cwd)
    await until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))
    live.process.kill(signal)
    live.process.stdin.end('login,mail,enabled,groups\n')
    expect((await live.done).code).toBe(code)
  })
})
