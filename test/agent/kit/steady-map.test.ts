/** A SteadyMap is a Map that never changes: held against one through random histories. */
import fc from 'fast-check'
import t from 'tap'
import { SteadyMap } from '../../../agent/kit/steady-map.ts'

t.test('property: like a Map, and old versions stay', t => {
  const step = fc.tuple(fc.boolean(), fc.nat(300), fc.nat())
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(300), fc.nat()), { maxLength: 200 }),
      fc.array(step, { maxLength: 100 }),
      (first, steps) => {
        const model = new Map(first)
        let map = SteadyMap.from(first)
        for (const [put, key, value] of steps) {
          const old = map
          const before = [...old]
          map = put ? map.with(key, value) : map.without(key)
          if (put) model.set(key, value)
          else model.delete(key)
          if (JSON.stringify([...old]) !== JSON.stringify(before)) return false
          if (map.get(key) !== model.get(key) || map.has(key) !== model.has(key)) return false
        }
        const seen: [number, number][] = []
        map.forEach((value, key) => {
          seen.push([key, value])
        })
        return (
          map.size === model.size &&
          JSON.stringify([...map]) === JSON.stringify([...model]) &&
          JSON.stringify(seen) === JSON.stringify([...model]) &&
          JSON.stringify([...map.keys()]) === JSON.stringify([...model.keys()]) &&
          JSON.stringify([...map.values()]) === JSON.stringify([...model.values()])
        )
      },
    ),
  )
  t.pass()
  t.end()
})

t.test('a changed value shares all but one chunk', t => {
  const map = SteadyMap.from(Array.from({ length: 1000 }, (_, at) => [`k${at}`, at] as const))
  const next = map.with('k500', -1)
  t.equal(next.positions, map.positions)
  t.equal(next.chunks.filter((chunk, at) => chunk !== map.chunks[at]).length, 1)
  t.equal(SteadyMap.from(next), next, 'made from itself is itself')
  t.end()
})
