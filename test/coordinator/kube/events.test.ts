import t from 'tap'
import { createEventRecorder, type EventWanted } from '../../../coordinator/kube/events.ts'
import { openApiServer } from '../../fakes/api-server.ts'
import { manualClock } from '../../fakes/manual-clock.ts'
import { openTo } from './plain-server.ts'

const { signal: never } = new AbortController()
const EVENT: EventWanted = {
  type: 'Warning',
  reason: 'NodesNotReady',
  action: 'Observe',
  note: 'n1 is silent',
  regarding: { apiVersion: 'hawser.io/v1alpha1', kind: 'HawserCluster', name: 'hawser' },
}

t.test('the same event again raises a count, seldom; another one, or much later, is a new one', async t => {
  const server = await openApiServer({}, never)
  t.teardown(() => server[Symbol.asyncDispose]())
  const { api, session } = await openTo(server.url)
  t.teardown(() => session[Symbol.asyncDispose]())
  const clock = manualClock()
  const failures: unknown[] = []
  const recorder = createEventRecorder(api, clock, 'me', error => failures.push(error))
  const list = async () =>
    (
      (await api.call({
        method: 'GET',
        path: '/apis/events.k8s.io/v1/namespaces/default/events',
        signal: never,
      })) as { items: { note: string; series?: { count: number } }[] }
    ).items
  const writes = (): number =>
    server.control.log.count({ resource: 'events' }) -
    server.control.log.count({ resource: 'events', verb: 'list' })

  for (let n = 0; n < 10; n++) await recorder.record(EVENT, never)
  t.equal((await list()).length, 1)
  t.equal(writes(), 1, 'ten times within a minute make one write')
  await clock.advance(61_000)
  await recorder.record(EVENT, never)
  t.match(await list(), [{ note: 'n1 is silent', series: { count: 11 } }])
  await recorder.record({ ...EVENT, note: 'n2 is silent' }, never)
  t.equal((await list()).length, 2)
  await clock.advance(11 * 60_000)
  await recorder.record(EVENT, never)
  t.equal((await list()).length, 3)
  t.same(failures, [])

  server.control.deny({ resource: 'events' })
  await recorder.record({ ...EVENT, note: 'denied' }, never)
  t.equal(failures.length, 1, 'a refusal is reported, not thrown')
})
