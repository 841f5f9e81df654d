import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BusyError, UserError } from '../base/errors.ts'
import { processStart } from './process.ts'

/** The user's table, byte for byte: a latin1 text keeps what is no UTF-8. */
export interface CrontabTable {
  read(): string
  /** Refuses when the table is not any more the one that was read. @throws UserError IQ5006 */
  write(text: string, expected: string): void
}

type Env = Readonly<Record<string, string | undefined>>

/** @throws UserError IQ5006 for every failure but that of a user who has no table */
export function crontabTable(env: Env, scratch: string): CrontabTable {
  const crontab = (args: readonly string[], cwd?: string) => {
    const done = spawnSync('crontab', args, {
      cwd,
      env: { ...env, LC_ALL: 'C' },
      encoding: 'latin1',
      maxBuffer: 1 << 26,
    })
    if (done.error !== undefined)
      throw fault(
        `crontab cannot be run: ${done.error.message}`,
        'install cron, or take systemd: iqtask schedule export --target systemd',
      )
    return { ...done, said: `${done.stderr}${done.stdout}`.trim() }
  }
  const read = (): string => {
    const { status, stdout, stderr, said } = crontab(['-l'])
    if (status === 0) return stdout
    // only these words mean an empty table: whoever believes other failures wipes people's jobs
    if (status === 1 && /^no crontab for /m.test(stderr)) return ''
    throw fault(`crontab -l failed: ${said || `it ended with ${status}`}`, 'nothing was changed')
  }
  return {
    read,
    write(text, expected) {
      mkdirSync(scratch, { recursive: true, mode: 0o700 })
      // a name of its own in its folder: Debian's crontab cuts paths after a hundred bytes
      const name = `crontab.${process.pid}`
      const file = join(scratch, name)
      writeFileSync(file, text, { mode: 0o600, flag: 'wx', encoding: 'latin1' })
      try {
        checkSyntax((flag) => crontab([flag, name], scratch))
        if (read() !== expected) throw fault('the crontab was changed by somebody else meanwhile', 'try again')
        const { status, said } = text === '' ? crontab(['-r']) : crontab([name], scratch)
        if (status !== 0) throw fault(`crontab refused the table: ${said}`, 'nothing was changed')
        if (read() !== text)
          throw fault('the crontab does not read back as it was written', `the backup is in ${scratch}`)
      } finally {
        rmSync(file)
      }
    },
  }
}

const fault = (message: string, hint: string): UserError => new UserError(message, { code: 'IQ5006', hint })

/** Debian's dry run is -n, cronie's -T; others have none, and our own check has been made. */
function checkSyntax(dryRun: (flag: string) => { status: number | null; said: string }): void {
  for (const flag of ['-n', '-T']) {
    const { status, said } = dryRun(flag)
    if (status === 0) return
    if (!/invalid option|illegal option|unrecognized option|usage/i.test(said))
      throw fault(`crontab finds the table wrong: ${said}`, 'nothing was changed')
  }
}

/** Read, change, write of one user at a time. @throws BusyError after ten seconds */
export async function withCrontabLock<Result>(env: Env, work: () => Promise<Result> | Result): Promise<Result> {
  const file = join(env.XDG_CACHE_HOME ?? join(env.HOME ?? '/nonexistent', '.cache'), 'iqtask', 'crontab.lock')
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  for (let tries = 0; !take(file); tries++) {
    if (tries === 100)
      throw new BusyError(`another process edits the crontab (${file})`, { code: 'IQ6005', hint: 'try again' })
    await sleep(100)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function take(file: string): boolean {
  try {
    const handle = openSync(file, 'wx', 0o600)
    writeSync(handle, `${process.pid} ${processStart(process.pid) ?? ''}`)
    closeSync(handle)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  try {
    const [pid = '', start = ''] = readFileSync(file, 'utf8').split(' ')
    // written in the next moment, or its holder lives
    if (pid !== '' && processStart(Number(pid)) !== (start === '' ? undefined : start)) rmSync(file, { force: true })
  } catch {
    // gone meanwhile
  }
  return false
}
