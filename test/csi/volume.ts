/** Publishes a DRBD volume for a pod: promote, mount; and takes it back: unmount, demote. Both may be repeated. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '#kit/errors.ts'
import type { NodeHost } from './host.ts'
import type { PublishRequest, UnpublishRequest } from './messages.ts'

/** A step that a timeline may show; `ms` is wall-clock time. */
export interface VolumeStep {
  readonly step: 'publish' | 'promoted' | 'mounted' | 'unpublish' | 'unmounted' | 'demoted' | 'failed'
  readonly volume: string
  readonly ms: number
  readonly error?: string
}

export type Note = (step: VolumeStep['step'], volume: string, error?: string) => void

/** The kubelet gives up after two minutes and asks again with growing pauses: repeating here is quicker. */
const PROMOTE_MS = 15_000
const PROMOTE_PAUSE_MS = 250
const COMMAND_MS = 60_000

export async function publish(
  host: NodeHost,
  request: PublishRequest,
  note: Note,
  signal: AbortSignal,
): Promise<void> {
  const { volumeId, targetPath, mount } = request
  const device = request.context['device'] ?? ''
  if (!mount || !/^\/dev\/[\w/-]+$/.test(device))
    throw new AppError('ARGUMENT_INVALID', 'only file systems on a named device are served', {
      volumeId,
      device,
    })
  if ((await host.readMounts()).get(targetPath) === device) return
  note('publish', volumeId)
  await promote(host, volumeId, signal)
  note('promoted', volumeId)
  await must(host, ['mkdir', '-p', targetPath], signal)
  const options = [request.readonly ? 'ro' : 'rw', ...mount.flags].join(',')
  await must(host, ['mount', '-t', mount.fsType || 'ext4', '-o', options, device, targetPath], signal)
  note('mounted', volumeId)
}

/** `drbdadm primary` fails while the peer is not given up; it blocks while a fence-peer handler runs. */
async function promote(host: NodeHost, resource: string, signal: AbortSignal): Promise<void> {
  const end = performance.now() + PROMOTE_MS
  for (;;) {
    const result = await host.run(['drbdadm', 'primary', resource], COMMAND_MS, signal)
    if (result.status === 0) return
    if (performance.now() > end) throw failed(['drbdadm', 'primary', resource], result)
    await sleep(PROMOTE_PAUSE_MS, undefined, { signal })
  }
}

export async function unpublish(
  host: NodeHost,
  request: UnpublishRequest,
  note: Note,
  signal: AbortSignal,
): Promise<void> {
  const { volumeId, targetPath } = request
  const device = (await host.readMounts()).get(targetPath)
  note('unpublish', volumeId)
  if (device !== undefined) {
    await must(host, ['umount', targetPath], signal)
    note('unmounted', volumeId)
  }
  // never more than an empty folder: it may be gone already, and it must not be a mount that was overlooked
  await host.run(['rmdir', targetPath], COMMAND_MS, signal)
  const stillUsed = device !== undefined && [...(await host.readMounts()).values()].includes(device)
  if (stillUsed) return
  await must(host, ['drbdadm', 'secondary', volumeId], signal)
  note('demoted', volumeId)
}

async function must(host: NodeHost, argv: readonly string[], signal: AbortSignal): Promise<void> {
  const result = await host.run(argv, COMMAND_MS, signal)
  if (result.status !== 0) throw failed(argv, result)
}

function failed(
  argv: readonly string[],
  result: { status: number; stdout: string; stderr: string },
): AppError {
  const output = `${result.stderr}${result.stdout}`.trim().slice(-300)
  return new AppError('PROGRAM_FAILED', 'a program of the node ended with an error', {
    command: argv.join(' '),
    status: result.status,
    output,
  })
}
