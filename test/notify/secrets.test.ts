import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { httpPeer } from '../helpers/http-peer.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const env = Object.fromEntries(
  ['HOOK', 'SIGN', 'SLACK', 'TEAMS', 'PING', 'OTLP'].map((name) => [name, `c4nary-${name.toLowerCase()}-%20"s3cret"`]),
)

it.each([
  ['refuse the connection', undefined],
  ['answer 500', 500],
  ['answer 404', 404],
  ['redirect', 302],
  ['take everything', 204],
])('no secret of any channel is told or kept where the peers %s', async (_, status) => {
  const peer =
    status === undefined
      ? undefined
      : await httpPeer(
          (response) =>
            void response.writeHead(status, status === 302 ? { location: 'http://169.254.169.254/' } : {}).end(),
        )
  const url = peer?.url ?? 'http://127.0.0.1:1'
  const cwd = project({
    ...smallOrganisation,
    'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}notify:
  channels:
    hook: { type: webhook, url: "${url}/\${env:HOOK}", secret: "\${env:SIGN}" }
    slack: { type: slack, url: "${url}/\${env:SLACK}" }
    teams: { type: teams, url: "\${env:TEAMS}" }
  rules: [{ on: [warning], channels: [hook, slack, teams] }]
  ping: { start: "${url}/\${env:PING}", success: "${url}/\${env:PING}", fail: "\${env:PING}" }
telemetry: { endpoint: "${url}", headers: { authorization: "\${env:OTLP}" } }
`,
  })
  const told: string[] = []
  for (const line of [
    'run aggregation',
    'results show --json',
    'notify list --json',
    'notify test hook',
    'notify test teams',
    'doctor',
    'config show --json',
    'config validate',
  ]) {
    const { stdout, stderr } = await runCli(line, { cwd, env })
    told.push(stdout, stderr)
  }
  for (const name of readdirSync(join(cwd, 'var')))
    if (/^iqtask\.db(-wal|-shm)?$/.test(name)) told.push(readFileSync(join(cwd, 'var', name), 'latin1'))
  const all = told.join('\n')
  expect(all).toContain('teams')
  for (const [name, secret] of Object.entries(env))
    for (const spelling of [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString('base64'),
      `c4nary-${name.toLowerCase()}`,
    ])
      expect(all.includes(spelling), `${name} as ${spelling}`).toBe(false)
})
