import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli, until } from '../helpers/spawn-cli.ts'

/** Those of the command line's rules that have no test of their own beside what they are about. */
async function aggregated(): Promise<string> {
  const cwd = project(smallOrganisation)
  await runCli('run aggregation', { cwd })
  return cwd
}
const running = async (cwd: string): Promise<void> =>
  until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))

describe('the command line', () => {
  it('prints everything before it ends, also more than a pipe holds', async () => {
    const people = Array.from({ length: 3_000 }, (_, i) => `${i},N ${i},m${i}@example.com,active,2024-01-01`)
    const cwd = project({ ...smallOrganisation, 'hr.csv': `id,name,mail,state,start\n${people.join('\n')}\n` })
    await runCli('run aggregation --set applications=hr', { cwd })
    const { stdout, code } = await spawnCli(['account', 'find', '--json'], cwd).done
    expect(stdout.length).toBeGreaterThan(500_000)
    expect([code, (JSON.parse(stdout) as { items: object[] }).items.length]).toEqual([0, 3_000])
  })

  it('keeps what it found on stdout, and everything else on stderr', async () => {
    const cwd = await aggregated()
    const wrong = await runCli('account show ad:nobody', { cwd })
    expect([wrong.stdout, wrong.stderr]).toEqual(['', expect.stringContaining('iqtask account find nobody')])
    const fine = await runCli('account show ad:ada', { cwd })
    expect([fine.stdout, fine.stderr]).toEqual([expect.stringContaining('ad:ada'), ''])
  })

  it('says in an error what, where, what was expected and what to type next; its code can be explained', async () => {
    const cwd = project({
      ...smallOrganisation,
      'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace('connection:', 'conection:'),
    })
    const { stderr } = await runCli('application test ad', { cwd })
    expect(stderr).toMatch(/conection.*\(IQ1103\)\n.*ad\.yaml:4:\d+\n.*did you mean connection/s)
    expect((await runCli('explain IQ1103', { cwd })).code).toBe(0)
  })

  it('stops at the next chunk after the first Ctrl-C and says so, and at once after the second', async () => {
    const cwd = project(smallOrganisation)
    const live = spawnCli(['run', 'aggregation', '--set', 'applications=ad', '--set', 'input=-'], cwd)
    let said = ''
    live.process.stderr.on('data', (piece: Buffer) => {
      said += piece
    })
    await running(cwd)
    // it waits for its input: nothing reaches it but signals
    live.process.kill('SIGSTOP')
    live.process.kill('SIGINT')
    live.process.kill('SIGCONT')
    await until(() => said.includes('stopping at the next chunk'))
    live.process.kill('SIGINT')
    const { code, signal } = await live.done
    // the second may find the run over and its listener gone: a shell calls that 130 too
    expect(signal === 'SIGINT' ? 130 : code).toBe(130)
    const [latest] = (JSON.parse((await runCli('results --json', { cwd })).stdout) as { items: TaskResultDocument[] })
      .items
    expect(latest?.status).toBe('terminated')
  })

  it('shows times in the zone of the user and names it, or in UTC', async () => {
    const cwd = await aggregated()
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
    expect((await runCli('results', { cwd })).stdout).toContain(`Times in ${zone}`)
    expect((await runCli('results --utc', { cwd })).stdout).toContain('Times in UTC')
    const { items } = JSON.parse((await runCli('results --json', { cwd })).stdout) as { items: TaskResultDocument[] }
    expect(items[0]?.queuedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })
})

describe.skipIf(!machineHas('strace'))('telemetry', () => {
  it('is not there: no command opens a connection', async () => {
    const cwd = project(smallOrganisation)
    const folder = mkdtempSync(join(tmpdir(), 'iqtask-net-'))
    try {
      const log = join(folder, 'trace')
      const strace = ['strace', '-f', '-e', 'trace=connect,sendto', '-o', log]
      for (const args of [['run', 'aggregation'], ['results'], ['doctor']]) await spawnCli(args, cwd, {}, strace).done
      const lines = readFileSync(log, 'utf8').split('\n')
      expect(lines.filter((line) => /connect\(|sendto\(/.test(line) && /AF_INET/.test(line))).toEqual([])
      expect(lines.join('\n')).toContain('exited with')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
