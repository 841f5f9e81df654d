import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openApp } from '../../src/app.ts'
import { renderPrometheus } from '../../src/notify/prometheus.ts'
import { handClock } from '../helpers/clock.ts'
import { httpPeer } from '../helpers/http-peer.ts'
import { aggregate, notified } from '../helpers/notified.ts'
import { write } from '../helpers/project.ts'
import { spawnCli } from '../helpers/spawn-cli.ts'

const watched = (more: string) => notified('{ type: file, folder: x }', '', more)

/** Samples of an exposition, each line as the format says. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('#')) {
      expect(line).toMatch(/^# (HELP|TYPE) [a-z_]+ \S/)
      continue
    }
    const match = /^([a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*\})?) (-?[\d.e+]+)$/.exec(line)
    expect(match, line).not.toBeNull()
    samples.set(match?.[1] ?? '', Number(match?.[2]))
  }
  return samples
}

describe('metrics as a text file', () => {
  it('are there after each run, whole, 0600, and say how each task is', async () => {
    const cwd = watched('metrics: { file: var/iqtask.prom }\n')
    const clock = handClock()
    const result = await aggregate(cwd, clock)
    const path = join(cwd, 'var/iqtask.prom')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const good = samplesOf(readFileSync(path, 'utf8'))
    const at = Date.parse(String(result.endedAt)) / 1000
    expect(good.get('iqtask_task_last_run_timestamp_seconds{task="aggregation"}')).toBe(at)
    expect(good.get('iqtask_task_last_success_timestamp_seconds{task="aggregation"}')).toBe(at)
    expect(good.get('iqtask_task_failing{task="aggregation"}')).toBe(0)
    expect(good.get('iqtask_task_last_run_items{task="aggregation",count="read"}')).toBe(result.counts.read)
    rmSync(join(cwd, 'hr.csv'))
    clock.forward(60_000)
    await aggregate(cwd, clock)
    const bad = samplesOf(readFileSync(path, 'utf8'))
    expect(bad.get('iqtask_task_failing{task="aggregation"}')).toBe(1)
    expect(bad.get('iqtask_task_last_success_timestamp_seconds{task="aggregation"}')).toBe(at)
    expect(bad.get('iqtask_task_last_run_exit_code{task="aggregation"}')).toBe(1)
  })

  it('are readable for a collector where the file says so', async () => {
    const cwd = watched('metrics: { file: out/iqtask.prom, mode: "0644" }\n')
    mkdirSync(join(cwd, 'out'))
    await aggregate(cwd)
    expect(statSync(join(cwd, 'out/iqtask.prom')).mode & 0o777).toBe(0o644)
  })

  it('that cannot be written change no run, and are told', async () => {
    const cwd = watched('metrics: { file: hr.csv/iqtask.prom }\n')
    const result = await aggregate(cwd)
    expect([result.status, result.exitCode]).toEqual(['warning', 3])
    expect(result.messages.at(-1)).toMatchObject({ code: 'IQ7003', text: expect.stringContaining('was not written') })
  })

  it('keep any text inside its label', () => {
    const name = 'a"b\\c\nd'
    const task = {
      task: name,
      endedAt: '2036-01-01T00:00:00.000Z',
      durationMs: 1,
      exitCode: 0,
      counts: {},
      succeededAt: null,
      failing: false,
    }
    const text = renderPrometheus({
      version: '1',
      storeBytes: 1,
      outbox: { waiting: 0, sent: 0, failed: 0 },
      tasks: [task],
    })
    expect(samplesOf(text).get('iqtask_task_failing{task="a\\"b\\\\c\\nd"}')).toBe(0)
  })
})

describe('OpenTelemetry', () => {
  interface Otlp {
    readonly resourceSpans?: {
      scopeSpans: {
        spans: {
          name: string
          attributes: { key: string; value: object }[]
          events: { name: string }[]
          spanId: string
          parentSpanId?: string
          endTimeUnixNano: string
          startTimeUnixNano: string
        }[]
      }[]
    }[]
    readonly resourceMetrics?: { scopeMetrics: { metrics: { name: string }[] }[] }[]
  }

  it('a collector gets one span and the metrics of each run, and headers that are secret', async () => {
    const collector = await httpPeer(
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
    )
    const cwd = watched(`telemetry: { endpoint: "${collector.url}", headers: { x-key: "\${env:KEY}" } }\n`)
    const result = await aggregate(cwd, handClock(), { KEY: 'collectors-key' })
    expect(collector.requests.map(({ path }) => path).sort()).toEqual(['/v1/metrics', '/v1/traces'])
    expect(collector.requests.every(({ headers }) => headers['x-key'] === 'collectors-key')).toBe(true)
    const bodies = collector.requests.map(({ body }) => JSON.parse(body) as Otlp)
    const spans = bodies.flatMap((body) => body.resourceSpans?.[0]?.scopeSpans[0]?.spans ?? [])
    expect(spans.map(({ name }) => name)).toEqual(['section hr', 'section ad', 'run aggregation'])
    const whole = spans.at(-1)
    expect(whole?.attributes).toContainEqual({ key: 'iqtask.result', value: { stringValue: result.id } })
    expect(whole?.events.map(({ name }) => name)).toContain('message')
    expect(spans.slice(0, 2).map(({ parentSpanId }) => parentSpanId)).toEqual([whole?.spanId, whole?.spanId])
    expect(spans[1]?.attributes).toContainEqual({ key: 'count.created', value: { intValue: 6 } })
    expect(whole?.startTimeUnixNano).toBe(`${Date.parse(String(result.startedAt))}000000`)
    const metrics = bodies.flatMap((body) => body.resourceMetrics?.[0]?.scopeMetrics[0]?.metrics ?? [])
    expect(metrics.map(({ name }) => name).sort()).toEqual(['iqtask.items', 'iqtask.run.duration', 'iqtask.runs'])
  })

  it('the steps of a sequence are spans within it, with their sections, in the time that they took', async () => {
    const collector = await httpPeer(
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
    )
    const cwd = watched(`telemetry: { endpoint: "${collector.url}" }\n`)
    write(cwd, {
      'tasks/nightly.yaml': `kind: TaskDefinition\nname: nightly\nexecutor: sequence
arguments: { tasks: [{ task: aggregation, arguments: { applications: [hr] } }, { task: decide }] }\n`,
    })
    const app = await openApp({ cwd, env: {} })
    const result = await app.run({ task: 'nightly', trigger: 'manual', set: {} })
    await app.close()
    const bodies = collector.requests.map(({ body }) => JSON.parse(body) as Otlp)
    const spans = bodies.flatMap((body) => body.resourceSpans?.[0]?.scopeSpans[0]?.spans ?? [])
    const byId = new Map(spans.map((span) => [span.spanId, span]))
    expect(spans.map(({ name, parentSpanId }) => [name, byId.get(parentSpanId ?? '')?.name]).sort()).toEqual([
      ['run aggregation', 'run nightly'],
      ['run decide', 'run nightly'],
      ['run nightly', undefined],
      ['section decisions', 'run decide'],
      ['section hr', 'run aggregation'],
    ])
    for (const { parentSpanId, startTimeUnixNano, endTimeUnixNano } of spans) {
      const around = byId.get(parentSpanId ?? '')
      expect(BigInt(startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(around?.startTimeUnixNano ?? 0))
      expect(BigInt(endTimeUnixNano)).toBeLessThanOrEqual(BigInt(around?.endTimeUnixNano ?? 2n ** 63n))
    }
    expect(result.children).toHaveLength(2)
    expect(bodies.filter(({ resourceSpans }) => resourceSpans !== undefined)).toHaveLength(1)
  })

  it('its packages are loaded where a collector is named, and only there', async () => {
    const hook = `import { registerHooks } from 'node:module'
registerHooks({ resolve(specifier, context, next) { if (specifier.includes('opentelemetry')) process.stderr.write('LOADED'); return next(specifier, context) } })`
    const loads = async (more: string): Promise<boolean> => {
      const options = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` }
      const { code, stderr } = await spawnCli(['run', 'aggregation'], watched(more), options).done
      expect(code, stderr).toBe(3)
      return stderr.includes('LOADED')
    }
    expect(await loads('')).toBe(false)
    expect(await loads('telemetry: { endpoint: "http://127.0.0.1:1" }\n')).toBe(true)
  })

  it('a collector that says nothing holds no run for long, and changes none', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as { port: number }
    const began = performance.now()
    const result = await aggregate(watched(`telemetry: { endpoint: "http://127.0.0.1:${port}" }\n`))
    expect(performance.now() - began).toBeLessThan(12_000)
    expect([result.status, result.exitCode]).toEqual(['warning', 3])
  })
})
