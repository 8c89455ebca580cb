import fc from 'fast-check'
import t from 'tap'
import { createStore, type Kept } from '../../../coordinator/kube/store.ts'

const object = (key: string, version: number, zone: string, uid = 'u'): Kept<string> => ({
  key,
  uid,
  version: String(version),
  value: zone,
})

t.test('only differences count as changes', async t => {
  const changed: string[] = []
  const store = createStore<string>(key => changed.push(key))
  store.put(object('a', 1, 'x'))
  store.put(object('a', 1, 'x'))
  store.replace([object('a', 1, 'x'), object('b', 1, 'x')])
  t.same(changed.splice(0), ['a', 'b'])
  store.replace([object('b', 2, 'x')])
  t.same(changed.splice(0).sort(), ['a', 'b'], 'one has gone, one is newer')
  store.put(object('b', 2, 'x', 'another life'))
  t.same(changed.splice(0), ['b'], 'same version, another object')
  store.remove('never there')
  t.same(changed, [])
})

t.test('indexes follow', async t => {
  const store = createStore<string>(() => undefined, { zone: value => [value] })
  store.put(object('a', 1, 'x'))
  store.put(object('b', 1, 'x'))
  store.put(object('a', 2, 'y'))
  t.same(
    store.by('zone', 'x').map(({ key }) => key),
    ['b'],
  )
  t.same(
    store.by('zone', 'y').map(({ key }) => key),
    ['a'],
  )
  store.remove('b')
  t.same(store.by('zone', 'x'), [])
})

t.test('whatever came before, a list makes the store equal to it, indexes too', async t => {
  const some = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat({ max: 3 }), fc.constantFrom('x', 'y')),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(some, some, (history, list) => {
      const store = createStore<string>(() => undefined, { zone: value => [value] })
      for (const [key, version, zone] of history) store.put(object(key, version, zone))
      const listed = new Map<string, Kept<string>>(
        list.map(([key, version, zone]) => [key, object(key, version + 10, zone)]),
      )
      store.replace([...listed.values()])
      const held = new Map([...store.values()].map(kept => [kept.key, kept]))
      const filed = ['x', 'y'].flatMap(zone => store.by('zone', zone).map(kept => `${zone} ${kept.key}`))
      const expected = [...listed.values()].map(kept => `${kept.value} ${kept.key}`)
      return (
        held.size === listed.size &&
        [...held].every(([key, kept]) => listed.get(key)?.version === kept.version) &&
        filed.sort().join() === expected.sort().join()
      )
    }),
  )
  t.pass('holds')
})
