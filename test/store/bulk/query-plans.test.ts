import { expect, it } from 'vitest'
import { openApp } from '../../../src/app.ts'
import type { Database } from '../../../src/store/database.ts'
import { smallOrganisation } from '../../helpers/files.ts'
import { project, write } from '../../helpers/project.ts'

/** Every statement of that kind, with its plan, looked up when it is asked for (a stage is attached only then). */
function watch(db: Database, kind: RegExp): Map<string, string[]> {
  const plans = new Map<string, string[]>()
  const { statement, exec } = db
  const look = (sql: string): void => {
    if (!kind.test(sql) || /^\s*(create|drop|attach|detach|begin|commit|rollback)\b/.test(sql) || plans.has(sql)) return
    const rows = statement(`explain query plan ${sql}`)
    const names = [...new Set(sql.match(/@\w+/g) ?? [])].map((name) => [name.slice(1), 0])
    const questions = sql.replace(/'[^']*'/g, '').split('?').length - 1
    const found = rows.all(...(names.length > 0 ? [Object.fromEntries(names)] : Array(questions).fill(0)))
    plans.set(
      sql,
      (found as { detail: string }[]).map((row) => row.detail),
    )
  }
  const watched = db as { -readonly [Key in keyof Database]: Database[Key] }
  watched.statement = (sql) => {
    look(sql)
    return statement(sql)
  }
  watched.exec = (sql) => {
    for (const part of sql.split(';').filter((one) => one.trim() !== '')) {
      look(part)
      exec(part)
    }
  }
  return plans
}

const off = ['deletes', 'disables', 'grantsRemoved', 'grantsAdded', 'ownersChanged', 'identitiesCreated', 'otherSource']

/** Names by which a statement calls the big tables of the store. */
function bigTables(sql: string): string[] {
  const named = sql.matchAll(/(?<![.\w])(account|identity|access|entitlement)(?:\s+(?:as\s+)?(\w+))?/g)
  return [...named].flatMap((match) => [match[1] ?? '', match[2] ?? ''])
}

it('no bulk statement walks through a big table of the store, or makes an index for itself', async () => {
  const cwd = project({
    ...smallOrganisation,
    'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { ${off.map((name) => `${name}: off`).join(', ')} }\n`,
    'tasks/t.yaml':
      'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr, ad], recorrelate: true, optimizeReaggregation: false }\n',
  })
  const app = await openApp({ cwd, env: {} })
  const plans = watch(app.store().db, /\bst\./)
  expect(
    (await app.run({ task: 't', trigger: 'manual', set: {} })).messages.filter(({ level }) => level === 'error'),
  ).toEqual([])
  write(cwd, {
    'hr.csv': smallOrganisation['hr.csv'].replace('Cy,', 'Cyd,').concat('4,Di,di@example.com,active,2024-01-01\n'),
    'ad.csv': smallOrganisation['ad.csv'].replace('g1|g2', 'g3').replace('svc3,,yes,\n', 'svc4,,yes,g4\n'),
  })
  expect(
    (await app.run({ task: 't', trigger: 'manual', set: {} })).messages.filter(({ level }) => level === 'error'),
  ).toEqual([])
  await app.close()
  const wrong = [...plans].flatMap(([sql, plan]) =>
    plan
      .filter((line) => /AUTOMATIC/.test(line) || bigTables(sql).some((name) => line === `SCAN ${name}`))
      .map((line) => ({ sql, line })),
  )
  expect(wrong).toEqual([])
  for (const verb of [
    'insert into account(',
    'insert into access(',
    'insert into identity(',
    'update account set native',
  ])
    expect([...plans.keys()].some((sql) => sql.startsWith(verb))).toBe(true)
  expect(plans.size).toBeGreaterThan(50)
})

it('an undo of all that there is goes through the tables in their order, a few times', async () => {
  const cwd = project({
    ...smallOrganisation,
    'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { deletes: off, grantsRemoved: off }\n`,
  })
  const app = await openApp({ cwd, env: {} })
  await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  const plans = watch(app.store().db, /\b(account|identity|access)\b/)
  await app.run({ task: 'undo', trigger: 'manual', set: { result: 'aggregation@latest' } })
  await app.close()
  const wrong = [...plans].flatMap(([sql, plan]) => plan.filter((line) => /AUTOMATIC|B-TREE/.test(line)).map(() => sql))
  expect(wrong).toEqual([])
  const planOf = (begin: string): string[] => [...plans].flatMap(([sql, plan]) => (sql.includes(begin) ? plan : []))
  const inOrder = (name: string): string => `SEARCH ${name} USING INTEGER PRIMARY KEY (rowid>?)`
  const inRange = (name: string): string => `SEARCH ${name} USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)`
  expect(planOf('from account x cross join')).toContain(inOrder('x'))
  expect(planOf('from identity x')).toContain(inOrder('x'))
  expect(planOf(`'account' object, min(`)).toContain(inRange('a'))
  expect(planOf(`'account' object, min(`)).toContain('SEARCH c USING PRIMARY KEY (account_id=?)')
  expect(planOf(`'identity' object, min(`)).toContain(inRange('i'))
  // whether anything was touched meanwhile: once, before all goes
  const scans = [...plans].filter(([, plan]) => plan.some((line) => /^SCAN (account|identity)$/.test(line)))
  expect(scans.map(([sql]) => /changed_run <> @target/.test(sql))).toEqual([true])
})
