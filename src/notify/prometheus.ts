import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { writeDurably } from '../base/durable.ts'
import type { Standing } from '../model/standing.ts'

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
interface Metric {
  readonly name: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const seconds = (iso: string): number => Date.parse(iso) / 1000

/** How the tasks are, in Prometheus' text format (0.0.4): for a scrape, or node_exporter's textfile collector. */
export function renderPrometheus({ version, tasks, outbox, storeBytes }: Standing): string {
  const perTask = (value: (task: Standing['tasks'][number]) => number | undefined): Sample[] =>
    tasks.flatMap((task) => {
      const found = value(task)
      return found === undefined ? [] : [{ labels: { task: task.task }, value: found }]
    })
  const metrics: Metric[] = [
    {
      name: 'iqtask_build_info',
      help: 'The version that wrote this file.',
      samples: [{ labels: { version }, value: 1 }],
    },
    {
      name: 'iqtask_task_last_run_timestamp_seconds',
      help: 'When the last run of the task ended.',
      samples: perTask(({ endedAt }) => seconds(endedAt)),
    },
    {
      name: 'iqtask_task_last_success_timestamp_seconds',
      help: 'When the last run that ended with success or warnings did.',
      samples: perTask(({ succeededAt }) => (succeededAt === null ? undefined : seconds(succeededAt))),
    },
    {
      name: 'iqtask_task_last_run_duration_seconds',
      help: 'How long the last run took.',
      samples: perTask(({ durationMs }) => (durationMs ?? 0) / 1000),
    },
    {
      name: 'iqtask_task_last_run_exit_code',
      help: 'Exit code of the last run: 0 success, 3 warnings, 4 stopped by a guard.',
      samples: perTask(({ exitCode }) => exitCode ?? undefined),
    },
    {
      name: 'iqtask_task_failing',
      help: '1 from the run with which the task began to fail until it has recovered.',
      samples: perTask(({ failing }) => (failing ? 1 : 0)),
    },
    {
      name: 'iqtask_task_last_run_items',
      help: 'Counts of the last run.',
      samples: tasks.flatMap(({ task, counts }) =>
        Object.entries(counts).map(([count, value]) => ({ labels: { task, count }, value })),
      ),
    },
    {
      name: 'iqtask_outbox_messages',
      help: 'Notifications by state.',
      samples: Object.entries(outbox).map(([state, value]) => ({ labels: { state }, value })),
    },
    { name: 'iqtask_store_bytes', help: 'Size of the store.', samples: [{ labels: {}, value: storeBytes }] },
  ]
  return metrics.map(renderMetric).join('')
}

function renderMetric({ name, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`
}

const escaped = (text: string): string => text.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))

/** Whole or as before. */
export function writeMetrics(path: string, mode: number, standing: Standing): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeDurably(path, renderPrometheus(standing), mode)
}
