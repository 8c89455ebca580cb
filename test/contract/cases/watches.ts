/** watch: order, selections, bookmarks, time-out, 410. */
import type { Test } from 'tap'
import { type Body, type ContractClient, MERGE_PATCH, type WatchEvent } from '../client.ts'
import { CONFIGMAPS, CRDS, fresh } from '../names.ts'
import { crd } from '../widget.ts'

const said = (events: readonly WatchEvent[]): string[] =>
  events.map(event => `${event.type} ${event.object.metadata?.name ?? ''}`.trim())

export function watchCases(t: Test, api: ContractClient): void {
  const versionNow = async (): Promise<string> => (await api.get(CONFIGMAPS)).body.metadata.resourceVersion
  const watchFrom = (
    version: string,
    query: string,
    limits: { count?: number; untilMs?: number },
  ): Promise<WatchEvent[]> => api.watch(`${CONFIGMAPS}?watch=1&resourceVersion=${version}&${query}`, limits)

  t.test('from a version it tells what happened since, in order, then goes on', async t => {
    const name = fresh('watch')
    const version = await versionNow()
    const first = (await api.post(CONFIGMAPS, { metadata: { name }, data: { k: '1' } })).body
    const watching = watchFrom(version, `fieldSelector=metadata.name%3D${name}`, { count: 3 })
    await api.patch(`${CONFIGMAPS}/${name}`, { data: { k: '2' } }, MERGE_PATCH)
    await api.delete(`${CONFIGMAPS}/${name}`)
    const events = await watching
    t.same(said(events), [`ADDED ${name}`, `MODIFIED ${name}`, `DELETED ${name}`])
    t.same(events[0]?.object, first, 'whole objects, with their kind')
    const versions = events.map(event => Number(event.object.metadata.resourceVersion))
    t.same(
      versions,
      [...new Set(versions)].sort((a, b) => a - b),
      'a deletion has a version of its own',
    )
  })

  t.test('without a version it tells first what is there', async t => {
    const name = fresh('watch')
    await api.post(CONFIGMAPS, { metadata: { name } })
    for (const version of ['', '0']) {
      const events = await watchFrom(version, `fieldSelector=metadata.name%3D${name}`, { count: 1 })
      t.same(said(events), [`ADDED ${name}`], `resourceVersion=${version}`)
    }
  })

  t.test('what enters or leaves a selection is added or deleted', async t => {
    const name = fresh('watch')
    const label = fresh('sel')
    const version = await versionNow()
    await api.post(CONFIGMAPS, { metadata: { name } })
    const set = (value: string | null): Promise<unknown> =>
      api.patch(`${CONFIGMAPS}/${name}`, { metadata: { labels: { sel: value } } }, MERGE_PATCH)
    await set(label)
    await set(null)
    const last = (await api.get(`${CONFIGMAPS}/${name}`)).body.metadata.resourceVersion
    const events = await watchFrom(version, `labelSelector=sel%3D${label}`, { count: 2 })
    t.same(said(events), [`ADDED ${name}`, `DELETED ${name}`])
    t.equal(events[1]?.object.metadata.labels.sel, label, 'the deleted one is as it was in the selection')
    t.equal(events[1]?.object.metadata.resourceVersion, last)
  })

  t.test('timeoutSeconds ends the stream cleanly', async t => {
    const begun = performance.now()
    const events = await watchFrom(
      await versionNow(),
      'timeoutSeconds=1&fieldSelector=metadata.name%3Dnobody',
      {},
    )
    const took = performance.now() - begun
    t.same(events, [])
    t.ok(took > 800 && took < 5_000, `${took} ms`)
  })

  t.test('before its end a watch that allows bookmarks gets one with a version to go on from', async t => {
    const version = await versionNow()
    const query = 'timeoutSeconds=4&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dnobody'
    const watching = watchFrom(version, query, {})
    const later = (await api.post(CONFIGMAPS, { metadata: { name: fresh('other') } })).body
    const events = await watching
    t.ok(events.length > 0)
    t.ok(events.every(event => event.type === 'BOOKMARK'))
    const { object } = events.at(-1) as { object: Body }
    t.match(object, { kind: 'ConfigMap', apiVersion: 'v1' })
    t.ok(Number(object.metadata.resourceVersion) >= Number(later.metadata.resourceVersion))
  })

  t.test('initial events are ended by a marked bookmark', async t => {
    const name = fresh('watch')
    await api.post(CONFIGMAPS, { metadata: { name } })
    const query = `fieldSelector=metadata.name%3D${name}&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`
    const events = await watchFrom('', query, { count: 2 })
    t.same(said(events), [`ADDED ${name}`, 'BOOKMARK'])
    t.equal(events[1]?.object.metadata.annotations['k8s.io/initial-events-end'], 'true')
  })

  t.test('a version from before anything is known is answered by an ERROR event of 410', async t => {
    const version = await versionNow()
    await api.post(CONFIGMAPS, { metadata: { name: fresh('between') } })
    const definition = crd(fresh('w').replaceAll('-', ''))
    await api.post(CRDS, definition)
    const path = `/apis/${definition.spec.group}/v1/${definition.spec.names.plural}`
    while ((await api.get(path)).code !== 200) await new Promise(done => setTimeout(done, 100))
    const events = await api.watch(`${path}?watch=1&resourceVersion=${version}&timeoutSeconds=5`)
    t.match(events, [
      {
        type: 'ERROR',
        object: { kind: 'Status', code: 410, reason: 'Expired', message: /^too old resource version: / },
      },
    ])
    t.equal(events.length, 1, 'and the stream ends')
    await api.delete(`${CRDS}/${definition.metadata.name}`)
  })

  t.test('after the server forgot, an old version is 410', async t => {
    const version = await versionNow()
    await api.post(CONFIGMAPS, { metadata: { name: fresh('between') } })
    await api.target.forget()
    const events = await watchFrom(version, 'timeoutSeconds=5', {})
    t.match(events, [{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }])
  })

  t.test('a version that is no number is refused', async t => {
    const reply = await api.get(`${CONFIGMAPS}?watch=1&resourceVersion=abc`)
    t.match(reply, { code: 500, body: { message: /resourceVersion: Invalid value: "abc"/ } })
  })
}
