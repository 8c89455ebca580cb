/**
 * Stands in for the kubelet, in a guest of the embedded cluster: registers the node, mounts the volume of a pod as the
 * CSI plugin of the real cluster does, runs the pod's program. Cut off, frozen and dead like a real one, because it is here.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiObject, openApi } from '../../cluster/api.ts'
import { runProgram } from '../../cluster/program.ts'
import { type NodeHost, parseMounts } from '../../csi/host.ts'
import { type Note, publish, unpublish } from '../../csi/volume.ts'
import {
  type CsiVolume,
  claimsOf,
  inUseName,
  isTerminating,
  nameOf,
  nodeNameOf,
  toAttachment,
  toCsiVolume,
  uidOf,
} from '../stand-in/objects.ts'

const [node = '', url = '', address = '', stepsFile = '', mountPoint = ''] = process.argv.slice(2)
const api = openApi({ url, caFile: undefined, adminToken: `kubelet-${node}` })
const stop = new AbortController()
const HEARTBEAT_MS = 10_000
const RESTART_MS = 1_000

const host: NodeHost = {
  run: (argv, deadlineMs, signal) => runProgram(argv, { deadlineMs, signal }),
  readMounts: async () => parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')),
}
const note: Note = (step, volume, error) =>
  appendFileSync(
    stepsFile,
    `${JSON.stringify({ step, volume, node, ms: Date.now(), ...(error ? { error } : {}) })}\n`,
  )

interface Container {
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
}

interface Running {
  readonly uid: string
  readonly volumes: readonly CsiVolume[]
  child: ChildProcess | undefined
  stopped: boolean
}

const pods = new Map<string, ApiObject>()
const attachments = new Map<string, ApiObject>()
let running: Running | undefined
const inUse = new Set<string>()

async function register(): Promise<void> {
  const metadata = {
    name: node,
    annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
  }
  await api.call({
    method: 'POST',
    path: '/api/v1/nodes',
    body: { apiVersion: 'v1', kind: 'Node', metadata },
  })
  await writeStatus()
}

async function writeStatus(): Promise<void> {
  const bootID = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const lastHeartbeatTime = new Date().toISOString().replace(/\.\d+Z/, 'Z')
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime,
    lastTransitionTime: lastHeartbeatTime,
  }
  const status = {
    addresses: [{ type: 'InternalIP', address }],
    conditions: [ready],
    nodeInfo: { bootID },
    volumesInUse: [...inUse],
  }
  await api.call({
    method: 'PATCH',
    path: `/api/v1/nodes/${node}/status`,
    patch: 'merge-patch',
    body: { status },
  })
}

async function volumesOf(pod: ApiObject): Promise<CsiVolume[]> {
  const claims = claimsOf(pod)
  const { body } = await api.call({ method: 'GET', path: '/api/v1/persistentvolumes' })
  return (body.items ?? []).flatMap(each => {
    const volume = toCsiVolume(each)
    return volume !== undefined && claims.includes(volume.claim) ? [volume] : []
  })
}

const isAttached = (volume: CsiVolume): boolean =>
  [...attachments.values()]
    .map(toAttachment)
    .some(each => each.node === node && each.volume === volume.name && each.attached && !each.terminating)

/** The container: restarted when it ends, as restartPolicy Always says. */
function runContainer(pod: ApiObject, run: Running): void {
  const [container] = (pod.spec?.['containers'] ?? []) as Container[]
  const env = Object.fromEntries(
    (container?.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  )
  const variables: Readonly<Record<string, string>> = { ...env, NODE_NAME: node, POD_UID: run.uid }
  // As Kubernetes expands them in a container's arguments.
  const args = (container?.args ?? []).map(arg =>
    arg.replace(/\$\((\w+)\)/g, (whole, name: string) => variables[name] ?? whole),
  )
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...variables },
  })
  run.child = child
  child.on('exit', () => {
    run.child = undefined
    setTimeout(() => {
      if (!run.stopped) runContainer(pod, run)
    }, RESTART_MS)
  })
}

async function startPod(pod: ApiObject): Promise<void> {
  const volumes = await volumesOf(pod)
  if (!volumes.every(isAttached)) return
  // A kubelet says that it uses a volume before it touches it.
  for (const volume of volumes) inUse.add(inUseName(volume.handle))
  await writeStatus()
  for (const volume of volumes) {
    const context = { device: volume.device }
    await publish(
      host,
      {
        volumeId: volume.handle,
        targetPath: mountPoint,
        readonly: false,
        context,
        mount: { fsType: volume.fsType, flags: [] },
      },
      note,
      stop.signal,
    )
  }
  running = { uid: uidOf(pod), volumes, child: undefined, stopped: false }
  runContainer(pod, running)
  const path = `/api/v1/namespaces/${pod.metadata?.namespace}/pods/${nameOf(pod)}/status`
  const conditions = [{ type: 'Ready', status: 'True' }]
  await api.call({
    method: 'PATCH',
    path,
    patch: 'merge-patch',
    body: { status: { phase: 'Running', conditions } },
  })
}

async function stopPod(run: Running): Promise<void> {
  run.stopped = true
  run.child?.kill('SIGKILL')
  for (const volume of run.volumes) {
    await unpublish(host, { volumeId: volume.handle, targetPath: mountPoint }, note, stop.signal)
    inUse.delete(inUseName(volume.handle))
  }
  running = undefined
  await writeStatus()
}

async function reconcile(): Promise<void> {
  const mine = [...pods.values()].filter(pod => nodeNameOf(pod) === node)
  const wanted = mine.find(pod => !isTerminating(pod))
  if (running !== undefined && uidOf(wanted ?? {}) !== running.uid) await stopPod(running)
  if (wanted !== undefined && running === undefined) await startPod(wanted)
  for (const pod of mine.filter(isTerminating)) {
    const path = `/api/v1/namespaces/${pod.metadata?.namespace}/pods/${nameOf(pod)}`
    await api.call({
      method: 'DELETE',
      path,
      body: { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } },
    })
  }
}

let due = false
/** One at a time; what fails is tried again, as long as it is wanted. */
async function work(): Promise<never> {
  for (;;) {
    while (!due) await sleep(20)
    due = false
    try {
      await reconcile()
    } catch (error) {
      process.stderr.write(`${String(error)}\n`)
      await sleep(500)
      due = true
    }
  }
}

function follow(path: string, objects: Map<string, ApiObject>): void {
  void api.watch(
    path,
    (change, object) => {
      const key = `${object.metadata?.namespace ?? ''}/${nameOf(object)}`
      if (change === 'DELETED') objects.delete(key)
      else objects.set(key, object)
      due = true
    },
    stop.signal,
  )
}

async function heartbeat(): Promise<never> {
  for (;;) {
    await register().catch(() => {}) // the API server may be away; the node object may be there already
    await sleep(HEARTBEAT_MS)
  }
}

follow('/api/v1/pods', pods)
follow('/apis/storage.k8s.io/v1/volumeattachments', attachments)
await Promise.race([heartbeat(), work()])
