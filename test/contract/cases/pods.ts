/** Pods: grace, binding, eviction, selection by node. */
import type { Test } from 'tap'
import { type Body, type ContractClient, MERGE_PATCH, STRATEGIC_PATCH } from '../client.ts'
import { BUDGETS, fresh, NODES, PODS } from '../names.ts'

interface PodWish {
  readonly nodeName?: string
  readonly labels?: object
  readonly grace?: number
}

async function pod(
  api: ContractClient,
  { nodeName, labels, grace }: PodWish = {},
): Promise<{ name: string; path: string; body: Body }> {
  const name = fresh('pod')
  const { code, body } = await api.post(PODS, {
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
    },
    status: { phase: 'Running' },
  })
  if (code !== 201) throw new Error(JSON.stringify(body))
  return { name, path: `${PODS}/${name}`, body }
}

export async function podCases(t: Test, api: ContractClient): Promise<void> {
  const nodeName = fresh('node')
  await api.post(NODES, { metadata: { name: nodeName } })

  await t.test('a new pod is Pending, with defaults and tolerations', async t => {
    const { body, path } = await pod(api)
    t.match(body.status, { phase: 'Pending', qosClass: 'BestEffort' })
    t.match(body.spec, {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      schedulerName: 'default-scheduler',
      serviceAccountName: 'default',
    })
    const keys = body.spec.tolerations.map(
      (each: Body) => `${each.key}:${each.effect}:${each.tolerationSeconds}`,
    )
    t.same(keys.sort(), [
      'node.kubernetes.io/not-ready:NoExecute:300',
      'node.kubernetes.io/unreachable:NoExecute:300',
    ])
    await api.delete(path)
  })

  await t.test('a pod that runs nowhere is gone at once', async t => {
    const { path } = await pod(api)
    t.match(await api.delete(path), { code: 200, body: { kind: 'Pod' } })
    t.equal((await api.get(path)).code, 404)
  })

  await t.test('a pod on a node has its grace; a second delete shortens it, zero ends it', async t => {
    const { path, body } = await pod(api, { nodeName, grace: 20 })
    const asked = (await api.delete(path)).body.metadata
    t.equal(asked.deletionGracePeriodSeconds, 20)
    t.ok(Date.parse(asked.deletionTimestamp) - Date.now() > 15_000)
    t.equal(
      (await api.delete(path, { gracePeriodSeconds: 25 })).body.metadata.deletionGracePeriodSeconds,
      20,
      'never longer',
    )
    t.equal((await api.delete(path, { gracePeriodSeconds: 5 })).body.metadata.deletionGracePeriodSeconds, 5)
    const ended = await api.delete(path, { gracePeriodSeconds: 0, preconditions: { uid: body.metadata.uid } })
    t.match(ended, { code: 200, body: { kind: 'Pod', metadata: { deletionGracePeriodSeconds: 0 } } })
    t.equal((await api.get(path)).code, 404)
  })

  await t.test('grace zero with the uid of another pod deletes nothing', async t => {
    const { path, name } = await pod(api, { nodeName })
    t.match(await api.delete(path, { gracePeriodSeconds: 0, preconditions: { uid: 'another' } }), {
      code: 409,
      body: {
        reason: 'Conflict',
        message: new RegExp(`^Operation cannot be fulfilled on Pod "${name}": the UID in the precondition`),
      },
    })
    t.equal((await api.get(path)).body.metadata.deletionTimestamp, undefined)
    await api.delete(`${path}?gracePeriodSeconds=0`)
    t.equal((await api.get(path)).code, 404, 'the grace may stand in the query')
  })

  await t.test('a finalizer outlives the grace', async t => {
    const { path } = await pod(api, { nodeName })
    await api.patch(path, { metadata: { finalizers: ['h.io/hold'] } }, MERGE_PATCH)
    t.equal((await api.delete(path, { gracePeriodSeconds: 0 })).body.metadata.deletionGracePeriodSeconds, 0)
    t.equal((await api.get(path)).code, 200)
    await api.patch(path, { metadata: { finalizers: null } }, MERGE_PATCH)
    t.equal((await api.get(path)).code, 404)
  })

  await t.test('binding sets the node once', async t => {
    const { path, name } = await pod(api)
    const bind = (target: string) =>
      api.post(`${path}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name },
        target: { kind: 'Node', name: target },
      })
    t.match(await bind(nodeName), { code: 201, body: { kind: 'Status', status: 'Success', code: 201 } })
    const bound = (await api.get(path)).body
    t.equal(bound.spec.nodeName, nodeName)
    t.match(bound.status.conditions, [{ type: 'PodScheduled', status: 'True' }])
    t.match(await bind('elsewhere'), {
      code: 409,
      body: {
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on pods/binding "${name}": pod ${name} is already assigned to node "${nodeName}"`,
      },
    })
    await api.delete(path, { gracePeriodSeconds: 0 })
  })

  await t.test('pods are found by their node', async t => {
    const here = fresh('node')
    const { name, path } = await pod(api, { nodeName: here })
    await pod(api)
    const { body } = await api.get(`/api/v1/pods?fieldSelector=spec.nodeName%3D${here}`)
    t.same(
      body.items.map((each: Body) => each.metadata.name),
      [name],
    )
    await api.delete(path, { gracePeriodSeconds: 0 })
  })

  await t.test('the status is written apart, conditions by their type', async t => {
    const { path } = await pod(api, { nodeName })
    const running = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
    t.equal((await api.patch(path, running, STRATEGIC_PATCH)).body.status.phase, 'Pending')
    t.equal((await api.patch(`${path}/status`, running, STRATEGIC_PATCH)).body.status.phase, 'Running')
    const more = await api.patch(
      `${path}/status`,
      { status: { conditions: [{ type: 'Initialized', status: 'True' }] } },
      STRATEGIC_PATCH,
    )
    t.same(more.body.status.conditions.map((each: Body) => each.type).sort(), ['Initialized', 'Ready'])
    await api.delete(path, { gracePeriodSeconds: 0 })
  })

  await t.test('eviction deletes with a grace of its own', async t => {
    const { path, name } = await pod(api, { nodeName })
    const evict = (target: string, deleteOptions?: object) =>
      api.post(`${PODS}/${target}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: target },
        ...(deleteOptions === undefined ? {} : { deleteOptions }),
      })
    t.match(await evict(name, { gracePeriodSeconds: 3 }), {
      code: 201,
      body: { kind: 'Status', status: 'Success' },
    })
    t.equal((await api.get(path)).body.metadata.deletionGracePeriodSeconds, 3)
    t.match(await evict('nobody'), { code: 404, body: { reason: 'NotFound' } })
    await api.delete(path, { gracePeriodSeconds: 0 })
  })

  await t.test('eviction is refused by a disruption budget', async t => {
    const budget = fresh('budget')
    const labels = { budget }
    await api.post(BUDGETS, {
      metadata: { name: budget },
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    })
    const { path, name } = await pod(api, { nodeName, labels })
    await api.patch(
      `${path}/status`,
      { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
      MERGE_PATCH,
    )
    const evict = () =>
      api.post(`${path}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } })
    const early = await evict()
    t.match(early, { code: 429, body: { reason: 'TooManyRequests', details: { retryAfterSeconds: 10 } } })
    t.equal(early.headers['retry-after'], '10')
    const status = {
      observedGeneration: 1,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
      disruptionsAllowed: 0,
    }
    await api.patch(`${BUDGETS}/${budget}/status`, { status }, MERGE_PATCH)
    t.match(await evict(), {
      code: 429,
      body: {
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        details: {
          causes: [
            {
              reason: 'DisruptionBudget',
              message: `The disruption budget ${budget} needs 1 healthy pods and has 1 currently`,
            },
          ],
        },
      },
    })
    t.equal((await api.get(path)).body.metadata.deletionTimestamp, undefined)
    await api.delete(path, { gracePeriodSeconds: 0 })
    await api.delete(`${BUDGETS}/${budget}`)
  })

  await api.delete(`${NODES}/${nodeName}`)
}
