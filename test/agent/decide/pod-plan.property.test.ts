/** Which pods of a dead node go: none with a writable volume that is not proven, and in the right order. */
import fc from 'fast-check'
import t from 'tap'
import type { ResourceName } from '#kit/brand.ts'
import { inUseName, resourceOfHandle } from '../../../agent/decide/csi-names.ts'
import type {
  PersistentVolumeFact,
  PodFact,
  PodFacts,
  PodVolumeFact,
} from '../../../agent/decide/pod-facts.ts'
import { type PodOrder, planPods, type Step } from '../../../agent/decide/pod-plan.ts'
import { holds } from './property.ts'
import { boot, node } from './scene.ts'

const DRIVER = 'linstor.csi.linbit.com'
const order: PodOrder = {
  node: node(1),
  bootId: boot(1),
  proven: new Set(['r0', 'r1'] as ResourceName[]),
  unsafePods: false,
  stripAfterMs: 1500,
}

/** PersistentVolumes pv-r0 … of ours, and others. */
const volumes: readonly PersistentVolumeFact[] = [
  ...['r0', 'r1/3', 'r2'].map(handle => ({ name: `pv-${handle}`, driver: DRIVER, handle, readOnly: false })),
  { name: 'pv-nfs', driver: 'nfs.csi.k8s.io', handle: 'x', readOnly: false },
  { name: 'pv-nfs-ro', driver: 'nfs.csi.k8s.io', handle: 'y', readOnly: true },
  { name: 'pv-local', driver: undefined, handle: undefined, readOnly: false },
]
const claims = [
  ...volumes.map(({ name }) => ({ namespace: 'ns', name: `c-${name}`, volumeName: name })),
  { namespace: 'ns', name: 'c-unbound', volumeName: undefined },
  { namespace: 'other', name: 'c-pv-r2', volumeName: 'pv-r0' },
]

function claim(name: string, readOnly = false, kind = 'persistentVolumeClaim'): PodVolumeFact {
  return { name: `v-${name}`, kind, claim: `c-${name}`, readOnly }
}

function plain(kind: string, readOnly = false): PodVolumeFact {
  return { name: `v-${kind}`, kind, claim: undefined, readOnly }
}

function pod(volumes: readonly PodVolumeFact[], more: Partial<PodFact> = {}): PodFact {
  return {
    namespace: 'ns',
    name: 'p',
    uid: 'uid-p',
    phase: 'Running',
    deleting: false,
    ownerKinds: ['StatefulSet'],
    annotations: {},
    volumes,
    ...more,
  }
}

function facts(pods: readonly PodFact[], more: Partial<PodFacts> = {}): PodFacts {
  return {
    node: {
      name: 'n1',
      resourceVersion: '7',
      bootId: boot(1),
      taints: [],
      volumesInUse: ['r0', 'r1/3', 'r2'].map(inUseName),
    },
    pods,
    claims,
    volumes,
    attachments: ['r0', 'r1/3', 'r2'].map(handle => ({
      name: `csi-${handle}`,
      uid: `uid-${handle}`,
      node: 'n1',
      volumeName: `pv-${handle}`,
    })),
    ...more,
  }
}

const anyVolume = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('pv-r0', 'pv-r1/3').chain(name => fc.boolean().map(ro => claim(name, ro))),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('pv-r2', 'pv-nfs', 'pv-nfs-ro', 'pv-local', 'unbound', 'missing')
      .chain(name => fc.boolean().map(ro => claim(name, ro))),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('configMap', 'secret', 'emptyDir', 'projected', 'csi')
      .map(kind => plain(kind)),
  },
  { weight: 1, arbitrary: fc.constantFrom('hostPath', 'nfs', 'somethingNew').map(kind => plain(kind)) },
)

const anyPod: fc.Arbitrary<PodFact> = fc
  .record({
    volumes: fc.array(anyVolume, { maxLength: 3 }),
    phase: fc.constantFrom('Running', 'Pending', 'Running', 'Succeeded', 'Unknown'),
    deleting: fc.boolean(),
    ownerKinds: fc.constantFrom<readonly string[]>(
      ['StatefulSet'],
      ['ReplicaSet'],
      ['StatefulSet'],
      [],
      ['Node'],
    ),
    ignored: fc.constantFrom(false, false, false, true),
    uid: fc.uuid(),
  })
  .map(({ ignored, uid, ...rest }) =>
    pod(rest.volumes, {
      ...rest,
      uid,
      name: `p-${uid}`,
      annotations: ignored ? { 'drbd.linbit.com/ignore-fail-over': 'false' } : {},
    }),
  )

/** A plain second reading of the rule: may this volume's pod be deleted as far as the volume goes? */
function mayGo(volume: PodVolumeFact): boolean {
  if (volume.kind === 'hostPath' || volume.kind === 'nfs' || volume.kind === 'somethingNew') return false
  if (volume.claim === undefined) return true
  switch (volume.claim.slice(2)) {
    case 'pv-r0':
    case 'pv-r1/3':
      return true
    case 'pv-nfs-ro':
      return true
    case 'pv-r2':
    case 'pv-nfs':
    case 'pv-local':
      return volume.readOnly
    default:
      return false
  }
}

const deleted = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap(step => (step.kind === 'delete-pod' ? [step.uid] : []))

holds(
  'a pod goes only if every volume that it can write is proven, it has an owner and is not excepted',
  fc.property(fc.array(anyPod, { maxLength: 4 }), pods => {
    const gone = new Set(deleted(planPods(facts(pods), order).steps))
    return pods.every(one => {
      const ours = one.volumes.some(({ claim }) => claim === 'c-pv-r0' || claim === 'c-pv-r1/3')
      const may =
        one.phase !== 'Succeeded' &&
        one.ownerKinds.length > 0 &&
        !one.ownerKinds.includes('Node') &&
        Object.keys(one.annotations).length === 0 &&
        one.volumes.every(mayGo) &&
        ours
      return gone.has(one.uid) === may
    })
  }),
  600,
)

holds(
  'what a pod that stays uses stays attached, and so does everything that is not proven',
  fc.property(fc.array(anyPod, { maxLength: 4 }), pods => {
    const { steps, kept } = planPods(facts(pods), order)
    const staying = pods.filter(one => kept.some(({ name }) => name === one.name))
    const used = new Set(staying.flatMap(one => one.volumes.map(({ claim }) => claim?.slice(5) ?? '')))
    return steps.every(step => {
      if (step.kind === 'delete-attachment') return !used.has(step.name.slice(4)) && step.name !== 'csi-r2'
      if (step.kind === 'release')
        return step.inUse.every(name => !used.has(name.split('^')[1] ?? '') && !name.endsWith('^r2'))
      return true
    })
  }),
  600,
)

holds(
  'the steps come in their order, each once, and none without a taint first',
  fc.property(fc.array(anyPod, { maxLength: 4 }), pods => {
    const kinds = planPods(facts(pods), order).steps.map(({ kind }) => kind)
    const rank = ['taint', 'release', 'delete-attachment', 'delete-pod']
    const sorted = [...kinds].sort((left, right) => rank.indexOf(left) - rank.indexOf(right))
    return JSON.stringify(kinds) === JSON.stringify(sorted) && (kinds.length === 0 || kinds[0] === 'taint')
  }),
)

t.test('the calls of one pod', t => {
  t.same(
    planPods(facts([pod([claim('pv-r0')])], { attachments: facts([]).attachments.slice(0, 1) }), {
      ...order,
      proven: new Set(['r0' as ResourceName]),
    }),
    {
      steps: [
        {
          kind: 'taint',
          node: 'n1',
          resourceVersion: '7',
          taints: [{ key: 'drbd.linbit.com/lost-quorum', value: boot(1), effect: 'NoSchedule' }],
        },
        { kind: 'release', node: 'n1', inUse: [inUseName('r0')] },
        { kind: 'delete-attachment', name: 'csi-r0', uid: 'uid-r0', stripAfterMs: 1500 },
        { kind: 'delete-pod', namespace: 'ns', name: 'p', uid: 'uid-p' },
      ],
      kept: [],
    },
  )
  t.end()
})

t.test('a kubelet that tells of another boot, or a node that is gone: nothing', t => {
  const pods = [pod([claim('pv-r0')])]
  const known = facts(pods).node
  const other = known === undefined ? undefined : { ...known, bootId: boot(1, 2) }
  const plan = planPods(facts(pods, { node: other }), order)
  t.same(plan.steps, [])
  t.match(plan.kept, [{ name: 'p', because: /another boot/ }])
  t.same(planPods(facts(pods, { node: undefined }), order), { steps: [], kept: [] })
  const silent = known === undefined ? undefined : { ...known, bootId: '' }
  t.equal(deleted(planPods(facts(pods, { node: silent }), order).steps).length, 1)
  t.end()
})

t.test('a taint that is there already is not set again; one of another boot is replaced', t => {
  const known = facts([]).node
  if (known === undefined) throw new Error('no node')
  const taint = { key: 'drbd.linbit.com/lost-quorum', value: boot(1), effect: 'NoSchedule' }
  const foreign = { key: 'x', value: '', effect: 'NoExecute' }
  const steps = (value: string): readonly Step[] =>
    planPods(facts([], { node: { ...known, taints: [foreign, { ...taint, value }] } }), order).steps
  t.notOk(steps(boot(1)).some(({ kind }) => kind === 'taint'))
  t.match(steps(boot(1, 0))[0], { kind: 'taint', taints: [foreign, taint] })
  t.end()
})

t.test('attachments without a pod are freed too; pods without a volume of ours are not named', t => {
  const { steps, kept } = planPods(facts([pod([plain('emptyDir')])]), order)
  t.same(kept, [])
  t.same(
    steps.flatMap(step => (step.kind === 'delete-attachment' ? [step.name] : [])),
    ['csi-r0', 'csi-r1/3'],
  )
  t.end()
})

t.test('why a pod stays is said', t => {
  const why = (one: PodFact): string | undefined => planPods(facts([one]), order).kept[0]?.because
  t.match(why(pod([claim('pv-r0'), claim('pv-r2')])), /v-pv-r2: not proven/)
  t.match(why(pod([claim('pv-r0')], { ownerKinds: [] })), /no owner/)
  t.match(
    why(pod([claim('pv-r0')], { annotations: { 'drbd.linbit.com/ignore-fail-over': '' } })),
    /annotated/,
  )
  t.match(why(pod([claim('pv-r0'), plain('hostPath')])), /hostPath may be written/)
  t.match(why(pod([claim('pv-r0'), claim('unbound')])), /not bound/)
  t.match(why(pod([claim('pv-r0'), claim('missing')])), /not known/)
  t.match(why(pod([claim('pv-r2', true)])), /none of its volumes is proven/)
  t.equal(
    planPods(facts([pod([claim('pv-r0'), plain('hostPath')])]), { ...order, unsafePods: true }).kept.length,
    0,
  )
  t.end()
})

t.test('a claim is one of the namespace of its pod; a generic ephemeral volume is one like any other', t => {
  const there = pod([claim('pv-r2')], { namespace: 'other' })
  t.equal(deleted(planPods(facts([there]), order).steps).length, 1)
  const ephemeral = (name: string) => planPods(facts([pod([claim(name, false, 'ephemeral')])]), order).steps
  t.equal(deleted(ephemeral('pv-r0')).length, 1)
  t.equal(deleted(ephemeral('pv-r2')).length, 0)
  t.end()
})

t.test('names', t => {
  t.equal(resourceOfHandle('r1/3'), 'r1')
  t.equal(inUseName('r0'), 'kubernetes.io/csi/linstor.csi.linbit.com^r0')
  t.end()
})
