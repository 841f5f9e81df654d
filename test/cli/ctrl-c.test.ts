import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { until } from '../helpers/spawn-cli.ts'

const bin = join(import.meta.dirname, '../../bin/iqtask.js')

/** One that goes on for a minute whatever it is told; the framework ends it three seconds after the run should have ended. */
const deaf = `import { defineExecutor } from 'iqtask'
import { z } from 'zod'
export default defineExecutor({
  name: 'deaf', summary: 'Hears nothing', arguments: z.object({}),
  async run(ctx) { ctx.progress(1); await new Promise((resolve) => setTimeout(resolve, 60_000)) },
})
`

/** A terminal of its own: what is typed goes through its line discipline, and Ctrl-C to the whole foreground. */
async function atTerminal(press: number) {
  const cwd = project({
    ...smallOrganisation,
    'tasks/deaf.ts': deaf,
    'tasks/deaf.yaml': 'kind: TaskDefinition\nname: deaf\nexecutor: ./deaf.ts\n',
  })
  // the shell hears it too, and would end
  const code = `trap : INT; stty cols 100; ${process.execPath} ${bin} run deaf; echo "ended with $?"`
  const child = spawn('script', ['-qec', code, '/dev/null'], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (piece: Buffer) => {
    said += piece
  })
  await until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))
  await until(() => said.includes('deaf  plan'))
  const pressedMs = performance.now()
  child.stdin.write('\x03')
  await until(() => said.includes('stopping at the next chunk'))
  if (press === 2) child.stdin.write('\x03')
  await until(() => said.includes('ended with'))
  const tookMs = performance.now() - pressedMs
  child.stdin.end()
  await once(child, 'close')
  const { items } = JSON.parse((await runCli('results --json', { cwd })).stdout) as { items: TaskResultDocument[] }
  return { said, tookMs, result: items[0] }
}

describe.runIf(machineHas('script', 'bsdutils'))('Ctrl-C at a terminal', () => {
  it('once: stops at the next chunk, says so and how to stop now, and leaves a result that can be resumed', async () => {
    const { said, result } = await atTerminal(1)
    expect(said).toContain('Ctrl-C again stops now')
    expect(said).toContain('ended with 130')
    expect(said).toMatch(/✖ terminated/)
    expect(said).toContain('go on: iqtask run deaf --resume')
    expect(result).toMatchObject({ status: 'terminated', exitCode: 130 })
  })

  it('twice: ends now; the next command finds the run dead', async () => {
    const { said, tookMs, result } = await atTerminal(2)
    expect(said).toContain('ended with 130')
    // the first alone would have waited for three seconds
    expect(tookMs).toBeLessThan(2_900)
    expect(said).not.toContain('✖ terminated')
    expect(result?.status).toBe('terminated')
  })
})
