import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { packageFolder } from '../../base/package.ts'
import type { Command, CommandContext, OptionValues } from '../command.ts'

export const init: Command = {
  name: 'init',
  arguments: '[dir]',
  summary: 'make a project',
  examples: ['iqtask init', 'iqtask init payroll --template csv', 'iqtask init demo --example'],
  options: [
    {
      flags: '--template <template>',
      summary:
        'minimal (default): files that explain themselves; csv: with a personnel feed to be replaced by your own',
      choices: ['minimal', 'csv'],
    },
    { flags: '--example', summary: 'a whole organisation with data, runs at once' },
  ],
  run,
}

async function run(context: CommandContext, [dir = '.']: readonly string[], options: OptionValues): Promise<undefined> {
  const target = resolve(context.terminal.cwd, dir)
  const withFeed = options.template === 'csv'
  if (options.example === true && options.template !== undefined)
    throw new UserError('--example is a whole project, and --template another', {
      code: 'IQ1001',
      hint: 'give one of them',
    })
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new UserError(`${target} is not empty`, { code: 'IQ1009', hint: 'name a new folder: iqtask init DIR' })
  mkdirSync(target, { recursive: true })
  if (options.example === true) copyExample(target)
  else {
    const files = { ...emptyProject(basename(target), withFeed), ...(withFeed && feed) }
    for (const [name, text] of Object.entries(files)) write(join(target, name), text)
  }
  write(join(target, '.gitignore'), 'var/\n')
  // for editors: the first line of each file points here
  const { jsonSchemaOf, kindNames } = await import('../../app.ts')
  for (const kind of kindNames)
    write(join(target, '.schema', `${kind.toLowerCase()}.json`), `${JSON.stringify(jsonSchemaOf(kind), null, 2)}\n`)
  const next = options.example === true || withFeed ? 'iqtask run aggregation' : 'iqtask config validate'
  const go = dir === '.' ? next : `cd ${dir} && ${next}`
  await context.printer.document(
    { schema: 'iqtask/Project/1', project: target, next: go },
    () => `made ${target}\n  next: ${go}\n`,
  )
  return undefined
}

function copyExample(target: string): void {
  cpSync(join(packageFolder, 'examples', 'organisation'), target, { recursive: true })
  // the example of an executor of one's own
  cpSync(join(packageFolder, 'tasks', 'examples'), join(target, 'tasks'), { recursive: true })
}

function write(file: string, text: string): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
}

/** Made once: the files explain themselves, so that nobody needs the manual to begin. */
function emptyProject(name: string, withFeed: boolean): Readonly<Record<string, string>> {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const project =
    name
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '') || 'iam'
  return {
    'iqtask.config.yaml': `# yaml-language-server: $schema=.schema/config.json
name: ${project}
timeZone: ${zone}                  # what "today" means
${withFeed ? identity : identity.replace(/^/gm, '# ').replace(/# $/, '')}`,
    'applications/README.md': `One file a connected system, for example hr.yaml:

    # yaml-language-server: $schema=../.schema/application.json
    kind: Application
    name: hr
    authoritative: true              # its accounts create identities
    connector: delimited
    connection: { file: ../data/hr.csv }
    account:
      nativeIdentity: employee_id

\`iqtask application peek hr\` shows the first rows, \`iqtask run aggregation\` reads them.
`,
    'tasks/README.md': `Task definitions of this project. Those that come with the tool need no file: \`iqtask task list\`.
`,
  }
}

const identity = `identity:                        # what an identity is made of, once an application can create some
  name: hr.employee_id
  attributes:
    displayName: { from: [{ expr: "hr.first_name + ' ' + hr.last_name" }] }
    email:       { from: [hr.mail], normalize: [trim, lower] }
`

/** A personnel system as most extracts are, with three people in it. */
const feed: Readonly<Record<string, string>> = {
  'applications/hr.yaml': `# yaml-language-server: $schema=../.schema/application.json
kind: Application
name: hr
description: Personnel system
authoritative: true                # its accounts create identities
connector: delimited
connection: { file: ../data/hr.csv }
account:
  nativeIdentity: employee_id
  disabled: { expr: "account.status != 'active'" }
  attributes:
    hire_date: { type: date }
`,
  'data/hr.csv': `employee_id,first_name,last_name,mail,department,status,hire_date
100001,Ada,Ost,ada.ost@example.com,Finance,active,2019-04-01
100002,Ben,West,ben.west@example.com,Sales,active,2021-09-15
100003,Cleo,Nord,cleo.nord@example.com,Sales,left,2018-01-02
`,
}
