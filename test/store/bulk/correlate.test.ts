import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { CorrelationRule } from '../../../src/model/application.ts'
import { correlate } from '../../../src/model/correlation.ts'
import { openStore } from '../../../src/store/open.ts'
import { bareAccount } from '../../helpers/bare-account.ts'

const key = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null })
const identity = fc.record({ values: fc.tuple(key, key), inactive: fc.boolean(), trusted: fc.boolean() })
const account = fc.record({
  keys: fc.tuple(key, key),
  owner: fc.option(fc.nat(), { nil: undefined }),
  /** Its identity was made for it. */
  made: fc.boolean(),
  /** Which identity the owned account never belongs to. */
  never: fc.option(fc.nat(), { nil: undefined }),
})
const world = fc.record({
  identities: fc.array(identity, { maxLength: 5 }),
  accounts: fc.array(account, { minLength: 1, maxLength: 6 }),
  decisive: fc.tuple(fc.boolean(), fc.boolean()),
  rules: fc.constantFrom(1, 2),
  sameAs: fc.boolean(),
  creates: fc.boolean(),
  privileged: fc.boolean(),
})

it('the set-wise correlation and the rule for one account decide alike', async () => {
  await fc.assert(
    fc.asyncProperty(world, async (w) => {
      const folder = mkdtempSync(join(tmpdir(), 'iqtask-correlate-'))
      const store = openStore({ path: join(folder, 'x.db'), clock: systemClock, create: true })
      try {
        const names = ['k1', 'k2']
        const rule = (index: number): CorrelationRule => ({
          from: { attribute: 'x' },
          identity: names[index] ?? '',
          decisive: w.decisive[index] ?? false,
          ignoreCase: false,
          normalize: [],
          ignoreValues: [],
        })
        const rules = [rule(0), rule(1)].slice(0, w.rules)
        const sameAs = w.sameAs ? [rule(1)] : []
        const app = store.db.write(() => store.applications.ensure('ad'))
        w.identities.forEach((one, index) => {
          const attrs = Object.fromEntries(
            names.flatMap((name, i) => (one.values[i] == null ? [] : [[name, one.values[i]]])),
          )
          const sources = Object.fromEntries(names.map((name) => [name, one.trusted ? 'hr' : 'elsewhere']))
          store.db
            .statement(
              'insert into identity(id, name, status, attrs, sources, created_run, changed_run) values (?,?,?,?,?,1,1)',
            )
            .run(
              index + 1,
              `i${index}`,
              one.inactive ? 'inactive' : 'active',
              JSON.stringify(attrs),
              JSON.stringify(sources),
            )
        })
        const owners = w.accounts.map((one) =>
          one.owner === undefined || w.identities.length === 0 ? undefined : (one.owner % w.identities.length) + 1,
        )
        owners.forEach((owner, index) => {
          if (owner !== undefined)
            store.db
              .statement(
                `insert into account(application_id, native, state_run, identity_id, link_by, link_run, keys, attrs, hash, created_run, changed_run)
                 values (?, ?, 1, ?, ?, 1, x'00', '{}', x'00', 1, 1)`,
              )
              .run(app, `n${index}`, owner, w.accounts[index]?.made ? 'created' : 'rule')
        })
        const nevers = w.accounts.map((one, index) => {
          const owner = owners[index]
          if (owner === undefined || one.never === undefined) return []
          const identity = (one.never % w.identities.length) + 1
          if (identity === owner) return []
          store.db
            .statement(
              `insert into decision(account_id, kind, identity_id, run, reason, actor, at) values ((select id from account where native = ?), 'never', ?, 1, 'r', '{}', '')`,
            )
            .run(`n${index}`, identity)
          return [identity]
        })
        const plan = store.accountPlans.create('R', 1, 'ad', false)
        const keysOf = (index: number): (string | null)[] => {
          const keys = w.accounts[index]?.keys ?? [null, null]
          return [...keys.slice(0, w.rules), ...(w.sameAs ? [keys[1] ?? null] : [])]
        }
        w.accounts.forEach((_, index) => {
          const draft = {
            name: `new${index}`,
            status: 'active' as const,
            attrsJson: '{}',
            sourcesJson: '{}',
            error: null,
          }
          const keys = JSON.stringify(keysOf(index))
          plan.add(bareAccount(`n${index}`, index, { keys, draft: w.creates ? draft : undefined }))
        })
        plan.seal(1, undefined)
        await plan.compare(
          {
            applicationId: app,
            returnsUntil: '2000',
            missing: undefined,
            promote: true,
            compareAll: false,
            unseen: false,
          },
          {
            applicationId: app,
            rules,
            sameAs,
            creates: w.creates,
            privileged: w.privileged,
            authoritative: ['hr'],
            recorrelate: false,
          },
          async () => undefined,
        )
        const decided = store.db
          .statement('select sid, kind, rule, identity_id identity from st.link order by sid')
          .all()
        const expected = w.accounts.map((_, index) => {
          const owner = owners[index]
          const outcome = correlate(
            {
              keys: keysOf(index),
              rules,
              sameAs: keysOf(index).slice(w.rules),
              owner,
              made: owner !== undefined && w.accounts[index]?.made === true,
              never: nevers[index] ?? [],
              creates: w.creates && owner === undefined,
              privileged: w.privileged,
            },
            w.identities.map((one, i) => ({
              id: i + 1,
              inactive: one.inactive,
              values: one.trusted ? [...one.values.slice(0, w.rules), ...(w.sameAs ? [one.values[1]] : [])] : [],
            })),
          )
          return { sid: index + 1, kind: outcome.kind, rule: outcome.rule ?? null, identity: outcome.identity ?? null }
        })
        // a decisive rule that ends an owner's search says so with its number in the one, not in the other
        const plain = (rows: unknown[]): unknown[] =>
          (rows as { kind: string; rule: number | null }[]).map((row) =>
            row.kind === 'unconfirmed' || row.kind === 'kept' ? { ...row, rule: null } : row,
          )
        expect(plain(decided)).toEqual(plain(expected))
        plan.close(false)
      } finally {
        store.close()
        rmSync(folder, { recursive: true, force: true })
      }
    }),
    { numRuns: 150 },
  )
})
