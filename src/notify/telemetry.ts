import type { TaskResultDocument } from '../model/documents.ts'

export interface TelemetrySettings {
  /** Of the collector, as OTLP over HTTP names it: `http://127.0.0.1:4318`. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
}

/** A collector that does not answer may not hold the run. */
const timeoutMillis = 5_000

/** One run as a span, with its sections' counts, messages and guards as events, and as three metrics. @throws where it did not arrive */
export async function sendTelemetry(
  settings: TelemetrySettings,
  about: { readonly project: string; readonly version: string },
  result: TaskResultDocument,
): Promise<void> {
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  const resource = resourceFromAttributes({
    'service.name': 'iqtask',
    'service.version': about.version,
    'service.namespace': about.project,
    'host.name': result.host,
  })
  const failures: Error[] = []
  const noted = (exported: { readonly error?: Error | undefined }): void => {
    if (exported.error !== undefined) failures.push(exported.error)
  }
  await Promise.all([sendTrace(settings, resource, result, noted), sendMetrics(settings, resource, result, noted)])
  if (failures[0] !== undefined) throw failures[0]
}

type Resource = ReturnType<typeof import('@opentelemetry/resources')['resourceFromAttributes']>
type Noted = (exported: { readonly error?: Error | undefined }) => void

const exporterOf = ({ endpoint, headers }: TelemetrySettings, signal: 'traces' | 'metrics') => ({
  url: `${endpoint.replace(/\/+$/, '')}/v1/${signal}`,
  headers: { ...headers },
  timeoutMillis,
})

async function sendTrace(
  settings: TelemetrySettings,
  resource: Resource,
  result: TaskResultDocument,
  noted: Noted,
): Promise<void> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const { TracerProvider, SimpleSpanProcessor } = await import('@opentelemetry/sdk-trace')
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
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const startTime = new Date(result.startedAt ?? result.queuedAt)
  const endTime = new Date(result.endedAt ?? result.queuedAt)
  const span = provider
    .getTracer('iqtask')
    .startSpan(`run ${result.task}`, { startTime, attributes: attributesOf(result) })
  for (const { application, status, counts } of result.sections)
    span.addEvent('section', { section: application, status, ...prefixed(counts) }, endTime)
  for (const { level, code, item } of result.messages)
    span.addEvent('message', { level, code, ...(item === undefined ? {} : { item }) }, endTime)
  for (const { guard, application, verdict, value, limit } of result.guards)
    if (verdict !== 'passed') span.addEvent('guard', { guard, application, verdict, value, limit }, endTime)
  // 1 OK, 2 ERROR
  span.setStatus({ code: result.status === 'success' || result.status === 'warning' ? 1 : 2 })
  span.end(endTime)
  await provider.forceFlush({ timeoutMillis })
  await provider.shutdown()
}

async function sendMetrics(
  settings: TelemetrySettings,
  resource: Resource,
  result: TaskResultDocument,
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
  const labels = { task: result.task, status: result.status }
  meter.createCounter('iqtask.runs', { description: 'Runs that ended' }).add(1, labels)
  meter
    .createHistogram('iqtask.run.duration', { unit: 's', description: 'How long runs take' })
    .record((result.durationMs ?? 0) / 1000, labels)
  const items = meter.createCounter('iqtask.items', { description: 'Counts of runs' })
  for (const [count, value] of Object.entries(result.counts)) items.add(value, { task: result.task, count })
  // shutting down sends what is there
  await provider.shutdown({ timeoutMillis })
}

const prefixed = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [`count.${name}`, count]))

const attributesOf = (result: TaskResultDocument): Record<string, string | number | boolean> => ({
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
