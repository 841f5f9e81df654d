import { write } from '../helpers/files.ts'

const config = `timeZone: UTC
identity:
  name: hr.id
  attributes:
    mail: { from: [hr.mail] }
`
const application = `kind: Application
name: hr
authoritative: true
connector: delimited
connection: { file: ../hr.csv }
account:
  nativeIdentity: id
  attributes:
    groups: { multiple: true, split: "|", entitlement: true }
`
const task = (lossLimit: number): string =>
  `kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr] }\nlossLimit: ${lossLimit}\n`

/** A project with one feed of `accounts` rows, five grants each: enough to be met in the middle of its work. */
export function bigFeed(cwd: string, accounts: number, lossLimit = 1_000): void {
  const rows = Array.from(
    { length: accounts },
    (_, i) => `${i},Name ${i},m${i}@example.com,${[1, 2, 3, 4, 5].map((n) => `g${(i * n) % 997}`).join('|')}`,
  )
  write(cwd, {
    'iqtask.config.yaml': config,
    'applications/hr.yaml': application,
    'tasks/t.yaml': task(lossLimit),
    'hr.csv': `id,name,mail,groups\n${rows.join('\n')}\n`,
  })
}

/** Resolves when the process has told of a chunk of one of the phases that write. */
export async function applying(stdout: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let text = ''
    const look = (piece: Buffer): void => {
      text += piece.toString()
      if (!/"phase":"(?!read|stage|compare)/.test(text)) return
      stdout.off('data', look)
      resolve()
    }
    stdout.on('data', look)
    stdout.on('end', () => reject(new Error(`the run ended before it applied anything: ${text.slice(-500)}`)))
  })
}
