import { describe, expect, it } from 'vitest'
import { type DecidedAccount, faultOfDecision, isDecided } from '../../src/model/decision.ts'

const open: DecidedAccount = { owner: 'a', decided: undefined, never: [] }
const linked: DecidedAccount = { owner: 'a', decided: { kind: 'link', identity: 'a' }, never: [] }
const alone: DecidedAccount = { owner: null, decided: { kind: 'unlink', identity: null }, never: ['b'] }

describe('a decision about an account', () => {
  it.each([
    ['a link without somebody', open, 'link', undefined, /needs an identity/],
    ['a never without somebody', open, 'never', undefined, /needs an identity/],
    ['an unlink from somebody', open, 'unlink', 'a', /takes no identity/],
    ['a link to whom it never belongs', alone, 'link', 'b', /never belongs to b/],
    ['a never of whom it was linked to', linked, 'never', 'a', /belongs to a/],
  ] as const)('refuses %s', (_, account, kind, identity, text) => {
    expect(faultOfDecision(account, kind, identity)).toMatch(text)
  })

  it.each([
    [open, 'link', 'a', false],
    [linked, 'link', 'a', true],
    [linked, 'link', 'b', false],
    [linked, 'unlink', undefined, false],
    [alone, 'unlink', undefined, true],
    [alone, 'never', 'b', true],
    [alone, 'never', 'a', false],
  ] as const)('%# is taken, and knows what was decided already', (account, kind, identity, decided) => {
    expect(faultOfDecision(account, kind, identity)).toBeUndefined()
    expect(isDecided(account, kind, identity)).toBe(decided)
  })
})
