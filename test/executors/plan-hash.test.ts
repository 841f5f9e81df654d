import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { guardNames } from '../../src/model/guard-settings.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation } from '../helpers/project.ts'

const few = fc.integer({ min: 0, max: 7 })
/** Whoever is there tonight: also twice, without a mail, with a date that is none, with somebody else's mail. */
const person = fc.record({
  id: few,
  name: few,
  mail: few,
  active: fc.boolean(),
  start: fc.constantFrom('2020-01-31', '', 'soon'),
})
const login = fc.record({
  login: few,
  mail: fc.option(few),
  enabled: fc.boolean(),
  groups: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
})
const organisation = fc.record({
  people: fc.array(person, { maxLength: 8 }),
  logins: fc.array(login, { maxLength: 8 }),
})
const nights = 4

function feeds(cwd: string, { people, logins }: typeof organisation extends fc.Arbitrary<infer O> ? O : never): void {
  const hr = people.map((p) => `${p.id},n${p.name},m${p.mail}@example.com,${p.active ? 'active' : 'left'},${p.start}\n`)
  const ad = logins.map(
    (l) =>
      `l${l.login},${l.mail === null ? '' : `m${l.mail}@example.com`},${l.enabled ? 'yes' : 'no'},${l.groups.join('|')}\n`,
  )
  writeFileSync(join(cwd, 'hr.csv'), `id,name,mail,state,start\n${hr.join('')}`)
  writeFileSync(join(cwd, 'ad.csv'), `login,mail,enabled,groups\n${ad.join('')}`)
}

it('a dry run plans the very same as the run after it, and changes nothing: 200 random organisations', async () => {
  const hashes = new Set<string>()
  const seen = { organisations: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(organisation, { minLength: nights, maxLength: nights }), async (organisations) => {
      const cwd = project({
        ...smallOrganisation,
        'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { ${guardNames.map((name) => `${name}: off`).join(', ')} }\n`,
        'applications/hr.yaml': smallOrganisation['applications/hr.yaml'].replace(
          'hr.csv',
          'hr.csv, evidence: { minRows: 0 }',
        ),
      })
      const app = await openApp({ cwd, env: {} })
      try {
        app.store()
        for (const tonight of organisations) {
          seen.organisations++
          feeds(cwd, tonight)
          const before = digestOf(cwd)
          const request = { task: 'aggregation', trigger: 'manual', set: {} } as const
          const dry = await app.run({ ...request, dryRun: true })
          expect(digestOf(cwd)).toBe(before)
          const real = await app.run(request)
          expect(real.planHash, JSON.stringify(real.messages)).toBe(dry.planHash)
          expect(real.planHash).toMatch(/^[0-9a-f]{64}$/)
          hashes.add(String(real.planHash))
        }
      } finally {
        await app.close()
      }
    }),
    { numRuns: 200 / nights },
  )
  expect(seen.organisations).toBeGreaterThanOrEqual(200)
  // different plans, different hashes
  expect(hashes.size).toBeGreaterThan(150)
}, 240_000)
