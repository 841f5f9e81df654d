import { describe, expect, it } from 'vitest'
import { UserError } from '../../src/base/errors.ts'
import { compileExpression } from '../../src/model/expression.ts'

const compile = (source: string, variables: readonly string[] = ['account', 'today']) =>
  compileExpression(source, { variables })
const value = (source: string, account: Record<string, unknown> = {}): unknown =>
  compile(source).evaluate({ account, today: new Date('2026-11-24T00:00:00Z') })

describe('an expression', () => {
  it('computes over the variables that it may see', () => {
    expect(value("account.first + ' ' + account.last", { first: 'Ada', last: 'Ost' })).toBe('Ada Ost')
    expect(value("account.city in ['Oslo', 'Bergen'] ? 'NO' : 'other'", { city: 'Oslo' })).toBe('NO')
    expect(value('account.groups.exists(g, g.startsWith("adm"))', { groups: ['x', 'adm1'] })).toBe(true)
    expect(value('size(account.groups) + 1', { groups: ['a', 'b'] })).toBe(3)
  })

  it('knows dates as timestamps', () => {
    const end = new Date('2026-11-25T00:00:00Z')
    expect(value('account.end >= today', { end })).toBe(true)
    expect(value('account.end >= today + duration("48h")', { end })).toBe(false)
  })

  it('takes a missing key for an error, and has() asks', () => {
    expect(() => value('account.nope == 1.0')).toThrow(/nope/)
    expect(value('has(account.nope)')).toBe(false)
    expect(value("!has(account.end) || account.end == 'x'")).toBe(true)
  })

  it('runs matches in linear time, finding anywhere as RE2 does', () => {
    expect(value("account.x.matches('^a.c$')", { x: 'abc' })).toBe(true)
    expect(value("account.x.matches('b')", { x: 'abc' })).toBe(true)
    expect(value('account.x.matches(account.p)', { x: 'abc', p: '^b' })).toBe(false)
    expect(
      value("account.x.matches('a') && account.y.matches('b') && account.x.lowerAscii().matches('A') == false", {
        x: 'a',
        y: 'b',
      }),
    ).toBe(true)
    const hostile = { x: `${'a'.repeat(50_000)}!` }
    const started = performance.now()
    expect(value("account.x.matches('^(a+)+$')", hostile)).toBe(false)
    // a backtracking engine needs longer than the age of the universe; this bound only tells the two apart
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('leaves the word matches alone where it is no call of it', () => {
    expect(value("account.matches + ' matches('", { matches: 'x' })).toBe('x matches(')
    expect(value("account.matches.matches('x') ? 'matches' : ''", { matches: 'x' })).toBe('matches')
  })

  it('is refused with a sentence when it does not compile', () => {
    const fault = (source: string): UserError => {
      try {
        compile(source)
      } catch (error) {
        if (error instanceof UserError) return error
        throw error
      }
      throw new Error('it compiled')
    }
    expect(fault('account.x +')).toMatchObject({ code: 'IQ1106' })
    expect(fault('acount.x')).toMatchObject({ hint: 'did you mean account?' })
    expect(fault("account.x.matches('(')").message).toContain('"(" is no regular expression')
    expect(fault("account.x.matches('(?=a)')").message).toContain('is no regular expression')
    expect(fault("nosuch('x')").message).toContain('nosuch')
  })

  it('says how to write numbers when whole and decimal ones meet', () => {
    expect(value('account.level + 1.0', { level: 2 })).toBe(3)
    expect(() => value('account.level + 1', { level: 2 })).toThrow(/write 1\.0/)
  })

  it('reads applications whose names are no identifiers, also inside has()', () => {
    const read = (source: string, app: Record<string, unknown>): unknown => compile(source, ['app']).evaluate({ app })
    expect(read("app['etcd-io'].login + app['a.b'].x", { 'etcd-io': { login: 'l' }, 'a.b': { x: '1' } })).toBe('l1')
    expect(read("has(app['etcd-io'].login) ? 'yes' : 'no'", { 'etcd-io': {} })).toBe('no')
    expect(() => read("app['etcd-io'].login", {})).toThrow(/etcd-io/)
    expect(() => read("app['etcd-io'].login", { 'etcd-io': {} })).toThrow(/login/)
  })

  it('tells which applications it names', () => {
    const known = ['hr', 'etcd-io', 'ad', 'erp']
    const names = (source: string): string[] => compile(source, ['hr', 'ad', 'app']).applications(known)
    expect(names("hr.first + app['etcd-io'].login")).toEqual(['hr', 'etcd-io'])
    expect(names('app.erp.x')).toEqual(['erp'])
    expect(names("hr.ad + 'erp'")).toEqual(['hr'])
  })
})
