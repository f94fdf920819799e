import fc from 'fast-check'
import t from 'tap'
import { OverlayMap } from '../../src/lib/overlay-map.ts'

t.test('behaves as a map, and so does every copy of it', async t => {
  const steps = fc.array(fc.tuple(fc.nat(60), fc.constantFrom('set', 'delete', 'clone'), fc.nat()), {
    maxLength: 300,
    size: 'max',
  })
  fc.assert(
    fc.property(steps, actions => {
      let map = new OverlayMap<number, number>()
      let model = new Map<number, number>()
      const before: [OverlayMap<number, number>, Map<number, number>][] = []
      for (const [key, action, value] of actions) {
        if (action === 'set') {
          map.set(key, value)
          model.set(key, value)
        } else if (action === 'delete') {
          map.delete(key)
          model.delete(key)
        } else {
          before.push([map, model])
          map = map.clone()
          model = new Map(model)
        }
      }
      for (const [overlay, plain] of [...before, [map, model] as const]) {
        if (overlay.size !== plain.size) return false
        for (const [key, value] of plain) if (overlay.get(key) !== value || !overlay.has(key)) return false
        if ([...overlay].some(([key, value]) => plain.get(key) !== value)) return false
        if ([...overlay.keys()].length !== plain.size || [...overlay.values()].length !== plain.size) return false
      }
      return true
    }),
    { numRuns: 300, seed: 5 },
  )
  t.pass('300 histories')
})

t.test('keeps the order of insertion through changes', async t => {
  const map = new OverlayMap<number, string>()
  for (let i = 0; i < 100; i++) map.set(i, 'first')
  const copy = map.clone()
  for (let i = 0; i < 100; i += 3) copy.set(i, 'changed')
  t.same([...copy.keys()], [...map.keys()])
  t.equal(map.get(0), 'first')
})
