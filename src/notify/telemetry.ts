import type { Attributes, Context, Span } from '@opentelemetry/api'
import type { TaskResultDocument } from '../model/documents.ts'

export interface TelemetrySettings {
  /** Of the collector, as OTLP over HTTP names it: `http://127.0.0.1:4318`. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
}

/** A collector that does not answer may not hold the run. */
const timeoutMillis = 5_000

/** A run with the steps that it ran. */
export interface RunTree {
  readonly result: TaskResultDocument
  readonly steps: readonly RunTree[]
}

/**
 * One run as a span, with its sections and steps as spans in it, messages and guards as events, and as three metrics.
 * @throws where it did not arrive
 */
export async function sendTelemetry(
  settings: TelemetrySettings,
  about: { readonly project: string; readonly version: string },
  tree: RunTree,
): Promise<void> {
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  const resource = resourceFromAttributes({
    'service.name': 'iqtask',
    'service.version': about.version,
    'service.namespace': about.project,
    'host.name': tree.result.host,
  })
  const failures: Error[] = []
  const noted = (exported: { readonly error?: Error | undefined }): void => {
    if (exported.error !== undefined) failures.push(exported.error)
  }
  await Promise.all([sendTrace(settings, resource, tree, noted), sendMetrics(settings, resource, tree, noted)])
  if (failures[0] !== undefined) throw failures[0]
}

type Resource = ReturnType<typeof import('@opentelemetry/resources')['resourceFromAttributes']>
type Noted = (exported: { readonly error?: Error | undefined }) => void

const exporterOf = ({ endpoint, headers }: TelemetrySettings, signal: 'traces' | 'metrics') => ({
  url: `${endpoint.replace(/\/+$/, '')}/v1/${signal}`,
  headers: { ...headers },
  timeoutMillis,
})

async function sendTrace(settings: TelemetrySettings, resource: Resource, tree: RunTree, noted: Noted): Promise<void> {
  const { ROOT_CONTEXT, trace } = await import('@opentelemetry/api')
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const { BatchSpanProcessor, TracerProvider } = await import('@opentelemetry/sdk-trace')
  const inner = new OTLPTraceExporter(exporterOf(settings, 'traces'))
  const exporter = {
    export: (spans: Parameters<typeof inner.export>[0], done: Parameters<typeof inner.export>[1]) =>
      inner.export(spans, (exported) => {
        noted(exported)
        done(exported)
      }),
    shutdown: () => inner.shutdown(),
    forceFlush: () => inner.forceFlush(),
  }
  const provider = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter })] })
  const tracer = provider.getTracer('iqtask')
  const open = (name: string, from: string, attributes: Attributes, within: Context): Span =>
    tracer.startSpan(name, { startTime: new Date(from), attributes }, within)
  const add = ({ result, steps }: RunTree, within: Context): void => {
    const from = result.startedAt ?? result.queuedAt
    const endTime = new Date(result.endedAt ?? from)
    const span = open(`run ${result.task}`, from, attributesOf(result), within)
    const inside = trace.setSpan(within, span)
    for (const { application, status, counts, beganAt, endedAt } of result.sections) {
      const attributes = { 'iqtask.section': application, 'iqtask.status': status, ...prefixed(counts) }
      const section = open(`section ${application}`, beganAt ?? from, attributes, inside)
      section.setStatus(codeOf(status)).end(endedAt === null ? endTime : new Date(endedAt))
    }
    for (const { level, code, item } of result.messages)
      span.addEvent('message', { level, code, ...(item === undefined ? {} : { item }) }, endTime)
    for (const { guard, application, verdict, value, limit } of result.guards)
      if (verdict !== 'passed') span.addEvent('guard', { guard, application, verdict, value, limit }, endTime)
    for (const step of steps) add(step, inside)
    span.setStatus(codeOf(result.status)).end(endTime)
  }
  add(tree, ROOT_CONTEXT)
  await provider.forceFlush({ timeoutMillis })
  await provider.shutdown()
}

/** 1 OK, 2 ERROR. */
const codeOf = (status: string) => ({ code: status === 'success' || status === 'warning' ? 1 : 2 })

async function sendMetrics(
  settings: TelemetrySettings,
  resource: Resource,
  tree: RunTree,
  noted: Noted,
): Promise<void> {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
  const { MeterProvider, PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics')
  const exporter = new OTLPMetricExporter(exporterOf(settings, 'metrics'))
  const send = exporter.export.bind(exporter)
  exporter.export = (metrics, done) =>
    send(metrics, (exported) => {
      noted(exported)
      done(exported)
    })
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 2 ** 30,
    exportTimeoutMillis: timeoutMillis,
  })
  const provider = new MeterProvider({ resource, readers: [reader] })
  const meter = provider.getMeter('iqtask')
  const runs = meter.createCounter('iqtask.runs', { description: 'Runs that ended' })
  const duration = meter.createHistogram('iqtask.run.duration', { unit: 's', description: 'How long runs take' })
  const items = meter.createCounter('iqtask.items', { description: 'Counts of runs' })
  const add = ({ result, steps }: RunTree): void => {
    const labels = { task: result.task, status: result.status }
    runs.add(1, labels)
    duration.record((result.durationMs ?? 0) / 1000, labels)
    for (const [count, value] of Object.entries(result.counts)) items.add(value, { task: result.task, count })
    steps.forEach(add)
  }
  add(tree)
  // shutting down sends what is there
  await provider.shutdown({ timeoutMillis })
}

const prefixed = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [`count.${name}`, count]))

const attributesOf = (result: TaskResultDocument): Attributes => ({
  'iqtask.result': result.id,
  'iqtask.task': result.task,
  'iqtask.executor': result.executor,
  'iqtask.status': result.status,
  'iqtask.trigger': result.trigger,
  'iqtask.dry_run': result.dryRun,
  ...(result.exitCode === null ? {} : { 'iqtask.exit_code': result.exitCode }),
  ...(result.stoppedBy === null ? {} : { 'iqtask.stopped_by': result.stoppedBy }),
  ...prefixed(result.counts),
})
