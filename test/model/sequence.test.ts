import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Condition,
  faultOfSteps,
  fromStep,
  joinOutcomes,
  levelsOf,
  resolveSteps,
  type StepOutcome,
  type WrittenStep,
  whyNot,
} from '../../src/model/sequence.ts'

const step = (task: string, more: Partial<WrittenStep> = {}): WrittenStep => ({
  task,
  when: 'success',
  arguments: {},
  ...more,
})
const names = (steps: readonly WrittenStep[]) => levelsOf(resolveSteps(steps)).map((level) => level.map((s) => s.name))

describe('the steps of a sequence', () => {
  it('come one after the other, or as their needs say', () => {
    expect(names([step('a'), step('b'), step('c')])).toEqual([['a'], ['b'], ['c']])
    expect(names([step('a'), step('b'), step('c', { needs: ['a'] }), step('d', { needs: [] })])).toEqual([
      ['a', 'd'],
      ['b', 'c'],
    ])
    expect(names([step('a', { needs: ['b'] }), step('b', { needs: [] })])).toEqual([['b'], ['a']])
  })

  it('are refused with the path of a circle, with a name that no step has, with one that two have', () => {
    const fault = (...steps: WrittenStep[]) => faultOfSteps(resolveSteps(steps))
    expect(fault(step('a', { needs: ['c'] }), step('b'), step('c'))).toEqual({
      index: 0,
      text: 'steps need each other in a circle: a → c → b → a',
    })
    expect(fault(step('a', { needs: ['a'] }))?.text).toContain('a → a')
    expect(fault(step('a'), step('b', { needs: ['x'] }))).toEqual({
      index: 1,
      text: 'b needs x, which is no step: steps are a, b',
    })
    expect(fault(step('a'), step('a'))?.text).toContain('give one of them a `name`')
    expect(fault(step('a'), step('a', { name: 'again' }))).toBeUndefined()
  })

  it('of any graph without a circle each stand once, after all that they need', () => {
    const graphs = fc
      .integer({ min: 1, max: 8 })
      .chain((size) =>
        fc.tuple(...Array.from({ length: size }, (_, i) => fc.subarray(Array.from({ length: i }, (_, n) => `s${n}`)))),
      )
    fc.assert(
      fc.property(graphs, (needs) => {
        const steps = resolveSteps(needs.map((need, i) => step(`s${i}`, { needs: need })))
        expect(faultOfSteps(steps)).toBeUndefined()
        const order = levelsOf(steps).flat()
        expect(order.map((s) => s.name).sort()).toEqual(steps.map((s) => s.name).sort())
        for (const [at, { needs: need }] of order.entries())
          for (const one of need) expect(order.findIndex((s) => s.name === one)).toBeLessThan(at)
      }),
    )
  })

  it('from one on are that and all that come after it', () => {
    const steps = resolveSteps([step('a'), step('b'), step('c'), step('d', { needs: ['a'] })])
    expect([...fromStep(steps, 'b')]).toEqual(['b', 'c'])
    expect([...fromStep(steps, 'a')].sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  it.each<[Condition, StepOutcome['status'], boolean, boolean]>([
    ['success', 'success', false, true],
    ['success', 'warning', true, false],
    ['success', 'error', true, false],
    ['warning', 'success', false, true],
    ['warning', 'warning', false, true],
    ['warning', 'error', true, false],
    ['changed', 'success', true, true],
    ['changed', 'warning', true, true],
    ['changed', 'success', false, false],
    ['changed', 'error', true, false],
    ['always', 'error', false, true],
  ])('when: %s after %s (changed: %s): runs %s', (when, status, changed, runs) => {
    const [, second] = resolveSteps([step('a'), step('b', { when })])
    expect(second && whyNot(second, { status, changed }) === undefined).toBe(runs)
  })

  it('hand on the worst of what they come after', () => {
    const of = (...list: StepOutcome['status'][]) => joinOutcomes(list.map((status) => ({ status, changed: false })))
    expect(of()).toEqual({ status: 'success', changed: false })
    expect(of('success', 'warning').status).toBe('warning')
    expect(of('error', 'warning').status).toBe('error')
  })
})
