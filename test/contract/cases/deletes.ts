/** delete: preconditions, finalizers, collections. */
import type { Test } from 'tap'
import { type ContractClient, MERGE_PATCH } from '../client.ts'
import { ATTACHMENTS, CONFIGMAPS, fresh } from '../names.ts'

export function deleteCases(t: Test, api: ContractClient): void {
  t.test('a delete answers with a Status, a second one is 404', async t => {
    const name = fresh('del')
    const { body } = await api.post(CONFIGMAPS, { metadata: { name } })
    t.match(await api.delete(`${CONFIGMAPS}/${name}`), {
      code: 200,
      body: {
        kind: 'Status',
        status: 'Success',
        details: { name, kind: 'configmaps', uid: body.metadata.uid },
      },
    })
    t.match(await api.delete(`${CONFIGMAPS}/${name}`), { code: 404, body: { reason: 'NotFound' } })
  })

  t.test('preconditions that do not hold are 409 and delete nothing', async t => {
    const name = fresh('del')
    const path = `${CONFIGMAPS}/${name}`
    const { metadata } = (await api.post(CONFIGMAPS, { metadata: { name } })).body
    t.match(await api.delete(path, { preconditions: { uid: 'another' } }), {
      code: 409,
      body: {
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on ConfigMap "${name}": the UID in the precondition (another) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
      },
    })
    t.match(await api.delete(path, { preconditions: { resourceVersion: '1' } }), {
      code: 409,
      body: {
        reason: 'Conflict',
        message: /the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record/,
      },
    })
    t.equal(
      (
        await api.delete(path, {
          preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion },
        })
      ).code,
      200,
    )
  })

  t.test('an attachment with a finalizer stays until it is taken away', async t => {
    const name = fresh('va')
    const path = `${ATTACHMENTS}/${name}`
    const spec = { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'pv' } }
    const made = await api.post(ATTACHMENTS, {
      metadata: { name, finalizers: ['external-attacher/d'] },
      spec,
      status: { attached: true },
    })
    t.equal(made.body.status.attached, false, 'the status is not for the creator to say')
    const attached = await api.patch(`${path}/status`, { status: { attached: true } }, MERGE_PATCH)
    t.equal(attached.body.status.attached, true)

    t.match(await api.delete(path, { preconditions: { uid: 'another' } }), {
      code: 409,
      body: { message: /^Operation cannot be fulfilled on VolumeAttachment\.storage\.k8s\.io / },
    })
    const asked = await api.delete(path, { preconditions: { uid: made.body.metadata.uid } })
    t.equal(asked.code, 200)
    t.match(asked.body, {
      kind: 'VolumeAttachment',
      metadata: { deletionTimestamp: /Z$/, deletionGracePeriodSeconds: 0 },
    })
    const again = await api.delete(path)
    t.equal(again.body.metadata.deletionTimestamp, asked.body.metadata.deletionTimestamp)
    t.equal((await api.get(path)).code, 200)

    const stripped = await api.patch(path, { metadata: { finalizers: null } }, MERGE_PATCH)
    t.equal(stripped.code, 200)
    t.equal(stripped.body.metadata.finalizers, undefined)
    t.match(await api.get(path), {
      code: 404,
      body: { details: { name, group: 'storage.k8s.io', kind: 'volumeattachments' } },
    })
  })

  t.test('an attachment without a finalizer is gone at once, and the answer is the object', async t => {
    const name = fresh('va')
    await api.post(ATTACHMENTS, {
      metadata: { name },
      spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'pv' } },
    })
    t.match(await api.delete(`${ATTACHMENTS}/${name}`), { code: 200, body: { kind: 'VolumeAttachment' } })
    t.equal((await api.get(`${ATTACHMENTS}/${name}`)).code, 404)
  })

  t.test('a finalizer cannot be added once the deletion was asked for', async t => {
    const name = fresh('del')
    const path = `${CONFIGMAPS}/${name}`
    await api.post(CONFIGMAPS, { metadata: { name, finalizers: ['h.io/a'] } })
    await api.delete(path)
    t.match(await api.patch(path, { metadata: { finalizers: ['h.io/a', 'h.io/b'] } }, MERGE_PATCH), {
      code: 422,
      body: { reason: 'Invalid', message: /no new finalizers can be added if the object is being deleted/ },
    })
    await api.patch(path, { metadata: { finalizers: [] } }, MERGE_PATCH)
    t.equal((await api.get(path)).code, 404)
  })

  t.test('a collection is deleted by its selector', async t => {
    const label = fresh('set')
    const names = [fresh('c'), fresh('c'), fresh('other')]
    await Promise.all(
      names.map((name, i) =>
        api.post(CONFIGMAPS, { metadata: { name, labels: { set: i < 2 ? label : 'none' } } }),
      ),
    )
    t.match(await api.delete(`${CONFIGMAPS}?labelSelector=set%3D${label}`), {
      code: 200,
      body: { kind: 'ConfigMapList', items: { length: 2 } },
    })
    const codes = await Promise.all(names.map(async name => (await api.get(`${CONFIGMAPS}/${name}`)).code))
    t.same(codes, [404, 404, 200])
  })
}
