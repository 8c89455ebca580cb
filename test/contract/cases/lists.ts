/** list: selectors, pages, expired pages. */
import type { Test } from 'tap'
import type { Body, ContractClient } from '../client.ts'
import { CONFIGMAPS, fresh } from '../names.ts'

async function five(api: ContractClient): Promise<{ label: string; names: string[] }> {
  const label = fresh('list')
  const names = Array.from({ length: 5 }, () => fresh('item')).sort()
  for (const [i, name] of names.entries()) {
    await api.post(CONFIGMAPS, {
      metadata: {
        name,
        labels: { list: label, odd: String(i % 2 === 1), ...(i === 0 ? { first: '' } : {}) },
      },
    })
  }
  return { label, names }
}

const namesOf = (body: Body): string[] => body.items.map((item: Body) => item.metadata.name)

export function listCases(t: Test, api: ContractClient): void {
  t.test('a list has a version, and items of built-in kinds do not repeat their kind', async t => {
    const { label, names } = await five(api)
    const { body } = await api.get(`${CONFIGMAPS}?labelSelector=list%3D${label}`)
    t.match(body, { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: /^\d+$/ } })
    t.same(namesOf(body), names)
    t.same([body.items[0].kind, body.items[0].apiVersion], [undefined, undefined])
  })

  t.test('label selectors', async t => {
    const { label, names } = await five(api)
    const count = async (selector: string): Promise<number> => {
      const { body } = await api.get(
        `${CONFIGMAPS}?labelSelector=${encodeURIComponent(`list=${label},${selector}`)}`,
      )
      return body.items.length
    }
    t.same(
      [
        await count('odd=true'),
        await count('odd==true'),
        await count('odd!=true'),
        await count('odd in (true,false)'),
      ],
      [2, 2, 3, 5],
    )
    t.same(
      [await count('odd notin (true)'), await count('first'), await count('!first'), await count('none')],
      [3, 1, 4, 0],
    )
    t.equal(names.length, 5)
    t.match(await api.get(`${CONFIGMAPS}?labelSelector=a%3D%3D%3D3`), {
      code: 400,
      body: { reason: 'BadRequest', message: /unable to parse requirement/ },
    })
  })

  t.test('field selectors', async t => {
    const { names } = await five(api)
    t.same(namesOf((await api.get(`${CONFIGMAPS}?fieldSelector=metadata.name%3D${names[2]}`)).body), [
      names[2],
    ])
    const all = await api.get(
      `/api/v1/configmaps?fieldSelector=${encodeURIComponent(`metadata.name=${names[2]},metadata.namespace!=default`)}`,
    )
    t.same(namesOf(all.body), [])
    t.match(await api.get(`/api/v1/pods?fieldSelector=spec.foo%3D1`), {
      code: 400,
      body: { reason: 'BadRequest' },
    })
  })

  t.test('pages show one moment, whatever changes between them', async t => {
    const { label, names } = await five(api)
    const page = async (token: string): Promise<Body> =>
      (
        await api.get(
          `${CONFIGMAPS}?labelSelector=list%3D${label}&limit=2&continue=${encodeURIComponent(token)}`,
        )
      ).body
    const first = await page('')
    t.equal(first.metadata.remainingItemCount, undefined, 'not told with a selector')
    await api.delete(`${CONFIGMAPS}/${names[3]}`)
    const second = await page(first.metadata.continue)
    const third = await page(second.metadata.continue)
    t.same([first, second, third].flatMap(namesOf), names)
    t.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
    t.notOk(third.metadata.continue)
  })

  t.test('the first page says how many are left', async t => {
    const total = namesOf((await api.get('/api/v1/namespaces')).body).length
    const { body } = await api.get('/api/v1/namespaces?limit=1')
    t.equal(body.metadata.remainingItemCount, total - 1)
  })

  t.test('a page of a version that was compacted is 410 with a token to go on', async t => {
    const { label } = await five(api)
    const url = `${CONFIGMAPS}?labelSelector=list%3D${label}&limit=2&continue=`
    const first = (await api.get(url)).body
    await api.post(CONFIGMAPS, { metadata: { name: fresh('later') } })
    await api.target.forget()
    const gone = await api.get(url + encodeURIComponent(first.metadata.continue))
    t.match(gone, { code: 410, body: { reason: 'Expired', message: /continue parameter is too old/ } })
    const rest = await api.get(url + encodeURIComponent(gone.body.metadata.continue))
    t.match(rest, { code: 200, body: { items: { length: 2 } } })
  })

  t.test('a token that is none is 400, a version of the future is 504', async t => {
    t.match(await api.get(`${CONFIGMAPS}?limit=1&continue=abc`), {
      code: 400,
      body: { reason: 'BadRequest', message: /^invalid continue token/ },
    })
    t.match(await api.get(`${CONFIGMAPS}?resourceVersion=99999999999`), {
      code: 504,
      body: {
        reason: 'Timeout',
        details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
      },
    })
  })

  t.test('resourceVersion 0 lists as well', async t => {
    const { label } = await five(api)
    t.match(await api.get(`${CONFIGMAPS}?labelSelector=list%3D${label}&resourceVersion=0`), {
      code: 200,
      body: { items: { length: 5 } },
    })
  })
}
