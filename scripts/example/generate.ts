import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Counts, directoryFeed, erpFeed, type Feed, hrFeed } from './feeds.ts'
import { makePeople } from './people.ts'

/** Every generated file of the sample organisation by its path inside the project. */
export function generate(): Map<string, Buffer> {
  const people = makePeople()
  const feeds: Readonly<Record<string, Feed>> = {
    hr: hrFeed(people),
    directory: directoryFeed(people),
    erp: erpFeed(people),
  }
  const files = new Map<string, Buffer>()
  for (const feed of Object.values(feeds)) {
    const zipped = feed.file.endsWith('.gz')
    files.set(join('data', feed.file), zipped ? gzipSync(feed.content, { level: 9 }) : feed.content)
  }
  const sections = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, feed.counts]))
  const total: Counts = {}
  for (const counts of Object.values(sections))
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count
  files.set('planted.json', Buffer.from(`${JSON.stringify({ sections, total }, null, 2)}\n`))
  files.set('PLANTED.md', Buffer.from(describe(feeds)))
  return files
}

function describe(feeds: Readonly<Record<string, Feed>>): string {
  const parts = Object.entries(feeds).map(([name, feed]) => {
    const { read = 0, rejected = 0, created = 0, correlated = 0, uncorrelated = 0, questions = 0 } = feed.counts
    const numbers = `${read} rows, ${rejected} of them rejected; ${created} accounts, ${correlated} with an identity, ${uncorrelated} without, ${questions} questions.`
    return `## ${name} (\`data/${feed.file}\`)\n\n${numbers}\n\n${feed.planted.map((line) => `- ${line}`).join('\n')}\n`
  })
  return `# What was planted

The data of this organisation is made by a generator with a fixed seed; nobody in it exists. \`planted.json\` holds the counts that
the first \`iqtask run aggregation\` must give.

${parts.join('\n')}`
}

if (
  process.argv[1] !== undefined &&
  import.meta.url.endsWith('/generate.ts') &&
  process.argv[1].endsWith('generate.ts')
) {
  const target = join(import.meta.dirname, '../../examples/organisation')
  for (const [path, content] of generate()) {
    mkdirSync(join(target, path, '..'), { recursive: true })
    writeFileSync(join(target, path), content)
  }
}
