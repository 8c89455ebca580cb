/** create, get and update of plain objects. */
import type { Test } from 'tap'
import { type ContractClient, MERGE_PATCH } from '../client.ts'
import { CONFIGMAPS, EVENTS, fresh } from '../names.ts'

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export function objectCases(t: Test, api: ContractClient): void {
  t.test('a new object gets what the server owns', async t => {
    const name = fresh('new')
    const reply = await api.post(CONFIGMAPS, {
      metadata: { name, uid: 'mine', generation: 9 },
      data: { k: 'v' },
    })
    t.equal(reply.code, 201)
    const { metadata, kind, apiVersion } = reply.body
    t.same([kind, apiVersion], ['ConfigMap', 'v1'])
    t.match(metadata, { name, namespace: 'default', uid: /^[0-9a-f-]{36}$/, resourceVersion: /^\d+$/ })
    t.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    t.same((await api.get(`${CONFIGMAPS}/${name}`)).body, reply.body)
  })

  t.test('a name that is taken is 409 AlreadyExists', async t => {
    const name = fresh('twice')
    await api.post(CONFIGMAPS, { metadata: { name } })
    t.match(await api.post(CONFIGMAPS, { metadata: { name } }), {
      code: 409,
      body: {
        reason: 'AlreadyExists',
        message: `configmaps "${name}" already exists`,
        details: { name, kind: 'configmaps' },
      },
    })
  })

  t.test('generateName makes different names', async t => {
    const made = [1, 2].map(() =>
      api.post(EVENTS, {
        metadata: { generateName: 'said.' },
        involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
        reason: 'Tested',
      }),
    )
    const names = (await Promise.all(made)).map(reply => reply.body.metadata.name)
    t.match(names[0], /^said\.[a-z0-9]{5}$/)
    t.not(names[0], names[1])
  })

  t.test('refused before they are stored', async t => {
    const refused = async (body: unknown, path: string, found: object): Promise<void> => {
      t.match(await api.post(path, body), found, JSON.stringify(body))
    }
    await refused({ metadata: {} }, CONFIGMAPS, {
      code: 422,
      body: { reason: 'Invalid', message: /name or generateName is required/ },
    })
    await refused({ metadata: { name: 'A_b' } }, CONFIGMAPS, {
      code: 422,
      body: { reason: 'Invalid', details: { name: 'A_b', kind: 'ConfigMap' } },
    })
    await refused({ metadata: { name: 'x', resourceVersion: '5' } }, CONFIGMAPS, {
      code: 500,
      body: { message: 'resourceVersion should not be set on objects to be created' },
    })
    await refused({ metadata: { name: 'x', namespace: 'other' } }, CONFIGMAPS, {
      code: 400,
      body: { reason: 'BadRequest', message: /does not match the namespace/ },
    })
    await refused({ kind: 'Secret', apiVersion: 'v1', metadata: { name: 'x' } }, CONFIGMAPS, {
      code: 400,
      body: { reason: 'BadRequest', message: /cannot be handled as a ConfigMap/ },
    })
    await refused({ metadata: { name: 'x' } }, CONFIGMAPS.replace('default', 'nowhere'), {
      code: 404,
      body: { message: 'namespaces "nowhere" not found' },
    })
    t.match(await api.post(CONFIGMAPS, '{bad'), { code: 400, body: { reason: 'BadRequest' } })
  })

  t.test('an object that is not there is 404 with its name', async t => {
    const body = {
      reason: 'NotFound',
      message: 'configmaps "nobody" not found',
      details: { name: 'nobody', kind: 'configmaps' },
    }
    t.match(await api.get(`${CONFIGMAPS}/nobody`), { code: 404, body })
    t.match(await api.put(`${CONFIGMAPS}/nobody`, { metadata: { name: 'nobody' } }), { code: 404, body })
  })

  t.test('an update needs the version it read, or none', async t => {
    const name = fresh('update')
    const path = `${CONFIGMAPS}/${name}`
    const first = (await api.post(CONFIGMAPS, { metadata: { name }, data: { k: '1' } })).body
    const second = await api.put(path, { ...first, data: { k: '2' } })
    t.equal(second.code, 200)
    t.ok(Number(second.body.metadata.resourceVersion) > Number(first.metadata.resourceVersion))
    t.match(await api.put(path, { ...first, data: { k: '3' } }), {
      code: 409,
      body: {
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on configmaps "${name}": ${MODIFIED}`,
        details: { name, kind: 'configmaps' },
      },
    })
    t.equal(
      (await api.put(path, { metadata: { name }, data: { k: '4' } })).code,
      200,
      'none means: whatever is there',
    )
  })

  t.test('an update that changes nothing keeps the version', async t => {
    const name = fresh('same')
    const { body } = await api.post(CONFIGMAPS, { metadata: { name }, data: { k: '1' } })
    const again = await api.put(`${CONFIGMAPS}/${name}`, { metadata: { name }, data: { k: '1' } })
    t.equal(again.body.metadata.resourceVersion, body.metadata.resourceVersion)
  })

  t.test('an update of another uid or name is refused', async t => {
    const name = fresh('other')
    await api.post(CONFIGMAPS, { metadata: { name } })
    t.match(await api.put(`${CONFIGMAPS}/${name}`, { metadata: { name, uid: 'another' } }), {
      code: 409,
      body: { reason: 'Conflict', message: /Precondition failed: UID in precondition: another/ },
    })
    t.match(await api.put(`${CONFIGMAPS}/${name}`, { metadata: { name: 'different' } }), {
      code: 400,
      body: { message: `the name of the object (different) does not match the name on the URL (${name})` },
    })
  })

  t.test('an event of events.k8s.io says who saw it and when', async t => {
    const path = '/apis/events.k8s.io/v1/namespaces/default/events'
    const event = {
      metadata: { name: fresh('event') },
      regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'Tested',
      type: 'Normal',
      action: 'Test',
      reportingController: 'hawser.io/contract',
      reportingInstance: 'one',
      note: 'n',
    }
    t.match(await api.post(path, event), {
      code: 422,
      body: {
        reason: 'Invalid',
        details: { causes: [{ reason: 'FieldValueRequired', field: 'eventTime' }] },
      },
    })
    const made = await api.post(path, { ...event, eventTime: '2026-01-01T00:00:00.000001Z' })
    t.match(made, { code: 201, body: { kind: 'Event', apiVersion: 'events.k8s.io/v1', note: 'n' } })
    const series = { series: { count: 2, lastObservedTime: '2026-01-01T00:01:00.000000Z' } }
    t.match(await api.patch(`${path}/${event.metadata.name}`, series, MERGE_PATCH), {
      code: 200,
      body: series,
    })
  })

  t.test('a dry run answers and stores nothing', async t => {
    const name = fresh('dry')
    t.equal((await api.post(`${CONFIGMAPS}?dryRun=All`, { metadata: { name } })).code, 201)
    t.equal((await api.get(`${CONFIGMAPS}/${name}`)).code, 404)
  })
}
