import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { documentNames, jsonSchemaOf } from '../../src/app.ts'
import { commandNames } from '../../src/cli/commands/index.ts'
import type { ErrorDocument } from '../../src/model/documents.ts'
import { commands, groups } from '../helpers/commands.ts'
import { standInCrontab } from '../helpers/crontab.ts'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli, until } from '../helpers/spawn-cli.ts'

/** Another reader than the one that made the schemas. */
const ajv = new Ajv({ strict: false, validateFormats: false })
const byId = new Map(
  documentNames.map((name) => {
    const schema = jsonSchemaOf(name) as { properties?: { schema?: { const?: string } } }
    return [schema.properties?.schema?.const ?? name, ajv.compile<Document>(schema as object)]
  }),
)

interface Document {
  readonly schema?: string
  readonly items?: readonly Document[]
}

/** What is wrong with a document, by the schema that it names; and with the items of a list that name theirs. */
function faultsOf(document: Document): string[] {
  const validate = byId.get(document.schema ?? '')
  if (validate === undefined) return [`no schema is published for ${String(document.schema)}`]
  validate(document)
  const own = (validate.errors ?? []).map((e) => `${document.schema} ${e.instancePath} ${e.message}`)
  const items = document.schema === 'iqtask/List/1' ? (document.items ?? []) : []
  return [...own, ...items.filter((item) => item.schema !== undefined).flatMap(faultsOf)]
}

/** Every command with what makes it print its document; in this order, in one project. */
const lines: Readonly<Record<string, readonly string[]>> = {
  init: ['init new'],
  run: ['run aggregation'],
  plan: ['plan aggregation --out a.plan', 'plan show a.plan'],
  apply: ['apply a.plan'],
  undo: ['undo latest --dry-run'],
  retry: ['retry aggregation@latest'],
  ps: ['ps'],
  recover: ['recover'],
  schema: ['schema'],
  watch: ['watch'],
  logs: ['logs'],
  completion: ['completion bash'],
  'results list': ['results'],
  'results show': ['results show aggregation@latest'],
  'results diff': ['results diff aggregation@latest latest'],
  'results stats': ['results stats aggregation'],
  'results wait': ['results wait latest'],
  'results ack': ['results ack latest --comment seen'],
  'results prune': ['results prune --dry-run'],
  'results export': ['results export --out r.jsonl'],
  explain: ['explain', 'explain IQ2104', 'explain guards'],
  doctor: ['doctor'],
  'results failures': ['results failures', 'results failures --items'],
  'task list': ['task'],
  'task show': ['task show aggregation'],
  'task validate': ['task validate'],
  'schedule list': ['schedule'],
  'schedule next': ['schedule next -n 3'],
  'schedule install': ['schedule install --print', 'schedule install --yes'],
  'schedule diff': ['schedule diff'],
  'schedule test': ['schedule test timed/often'],
  'schedule export': ['schedule export --target systemd'],
  'schedule status': ['schedule status'],
  'schedule pause': ['schedule pause timed/often'],
  'schedule resume': ['schedule resume timed/often'],
  'schedule postpone': ['schedule postpone timed/often --by 1h'],
  'schedule convert': ['schedule convert @daily', 'schedule convert nonsense'],
  'schedule fire': ['schedule fire timed/often'],
  'schedule catchup': ['schedule catchup'],
  'schedule uninstall': ['schedule uninstall --yes'],
  'task new': ['task new mine --executor account-aggregation --set applications=hr'],
  'task types': ['task types'],
  'application list': ['application'],
  'application show': ['application show hr'],
  'application test': ['application test hr'],
  'application peek': ['application peek hr'],
  'application profile': ['application profile ad.csv'],
  'account find': ['account'],
  'account show': ['account show ad:ada'],
  'account link': ['account link ad:svc 1 --reason x'],
  'account unlink': ['account unlink ad:svc2 --reason x'],
  'account never': ['account never ad:svc3 1 --reason x'],
  'account questions': ['account questions'],
  why: ['why account ad:ada', 'why identity 1 email'],
  'entitlement find': ['entitlement'],
  'entitlement show': ['entitlement show ad:groups:g1'],
  'entitlement tag': ['entitlement tag ad:groups:g1 sox --reason x'],
  'identity find': ['identity'],
  'identity show': ['identity show 1'],
  'config show': ['config'],
  'config validate': ['config validate'],
  'store info': ['store'],
  'store check': ['store check'],
  'store backup': ['store backup b.db'],
  'store restore': ['store restore b.db --yes'],
  'store migrate': ['store migrate'],
  'notify list': ['notify'],
  'notify test': ['notify test desk'],
  'audit list': ['audit'],
  'audit verify': ['audit verify'],
  'audit checkpoint': ['audit checkpoint c.json'],
}
const telling = `notify:
  channels: { desk: { type: file, folder: var/notices } }
  rules: [{ on: [warning, success], channels: [desk] }]
`
/** Commands whose document needs more than a line: they have a test of their own below. */
const elsewhere: readonly string[] = ['stop']

describe('the JSON documents of the commands', () => {
  it('are listed here for every command there is', () => {
    const all = [...commands.map((c) => c.name), ...groups.flatMap((g) => g.commands.map((c) => `${g.name} ${c.name}`))]
    expect([...Object.keys(lines), ...elsewhere].sort()).toEqual(all.sort())
    expect([...commands, ...groups].map((one) => one.name).sort()).toEqual([...commandNames].sort())
  })

  it('are exactly one a command, and each is as its published schema says', async () => {
    const folder = project({
      ...smallOrganisation,
      'tasks/timed.yaml':
        'kind: TaskDefinition\nname: timed\nexecutor: account-aggregation\narguments: { applications: hr }\nschedule: [{ name: often, every: 1m }]\n',
    })
    write(folder, { 'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}${telling}` })
    const crontab = standInCrontab(project())
    const wrong: string[] = []
    const printed: string[] = []
    for (const line of Object.values(lines).flat()) {
      const { stdout, code } = await runCli(`${line} --json`, { cwd: folder, env: crontab.env })
      printed.push(stdout)
      try {
        wrong.push(...faultsOf(JSON.parse(stdout)).map((fault) => `${line}: ${fault}`))
      } catch {
        wrong.push(`${line}: no JSON document, exit ${code}: ${stdout.slice(0, 200)}`)
      }
    }
    expect(wrong).toEqual([])
    if (!machineHas('jq')) return
    // each the one value that jq finds in what the command printed
    const input = printed.join('')
    const { stdout, status } = spawnSync('sh', ['-c', 'jq -c type'], { input, encoding: 'utf8' })
    expect([status, stdout.trim().split('\n').length]).toEqual([0, printed.length])
  })

  it('are as published for stop too, which needs a run that waits', async () => {
    const folder = project(smallOrganisation)
    const run = spawnCli(['run', 'aggregation', '--set', 'applications=ad', '--set', 'input=-', '--json'], folder)
    const running = async (): Promise<boolean> =>
      existsSync(join(folder, 'var/iqtask.db')) && /"running"/.test((await runCli('ps --json', { cwd: folder })).stdout)
    await until(running)
    const { stdout } = await runCli('stop latest --json', { cwd: folder })
    expect(faultsOf(JSON.parse(stdout))).toEqual([])
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'iqtask/StopRequest/1', requested: true })
    const ended = JSON.parse((await run.done).stdout) as Document & { readonly stoppedBy: string }
    expect([faultsOf(ended), ended.stoppedBy]).toEqual([[], 'stop'])
  })

  it('tell errors on stderr, as a document too', async () => {
    const { stderr, stdout, code } = await runCli('run nothing --json', { cwd: project(smallOrganisation) })
    expect(code).toBe(2)
    expect(stdout).toBe('')
    const document = JSON.parse(stderr) as ErrorDocument
    expect(faultsOf(document)).toEqual([])
    expect(document).toMatchObject({ code: 'IQ1004', hint: expect.any(String) })
  })

  it('are written to a plan file line by line: a header, then a change a line', async () => {
    const folder = project(smallOrganisation)
    await runCli('plan aggregation --out a.plan', { cwd: folder })
    const [header = '', ...changes] = readFileSync(join(folder, 'a.plan'), 'utf8').trim().split('\n')
    expect(faultsOf(JSON.parse(header))).toEqual([])
    const validate = byId.get('plan-change')
    expect(changes.length).toBeGreaterThan(5)
    for (const change of changes) expect(validate?.(JSON.parse(change)), change).toBe(true)
  })
})
