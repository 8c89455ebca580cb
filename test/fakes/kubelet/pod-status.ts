/** The status of a pod in the words of the API. Pure. */
import { type Json, type JsonObject, listAt, textAt, timestamp } from '../api/json.ts'

export interface ContainerSeen {
  readonly restartCount: number
  readonly startedAt: Date | undefined
  readonly lastExit: { readonly exitCode: number; readonly finishedAt: Date } | undefined
  /** Why it does not run. */
  readonly waiting: string | undefined
}

function containerStatus(container: Json, seen: ContainerSeen): JsonObject {
  const { startedAt, lastExit, restartCount, waiting } = seen
  const running = { running: { startedAt: timestamp(startedAt?.getTime()) } }
  const terminated =
    lastExit === undefined
      ? undefined
      : { exitCode: lastExit.exitCode, finishedAt: timestamp(lastExit.finishedAt.getTime()) }
  return {
    name: textAt(container, 'name') ?? '',
    image: textAt(container, 'image') ?? '',
    imageID: '',
    ready: startedAt !== undefined,
    started: startedAt !== undefined,
    restartCount,
    state: startedAt === undefined ? { waiting: { reason: waiting ?? 'ContainerCreating' } } : running,
    ...(terminated === undefined ? {} : { lastState: { terminated } }),
  }
}

/** Ready when every container runs. */
export function podStatus(
  pod: { readonly spec?: JsonObject },
  address: string,
  seen: ReadonlyMap<string, ContainerSeen>,
): JsonObject {
  const containers = listAt(pod, 'spec', 'containers')
  const nothing: ContainerSeen = {
    restartCount: 0,
    startedAt: undefined,
    lastExit: undefined,
    waiting: undefined,
  }
  const of = (container: Json): ContainerSeen => seen.get(textAt(container, 'name') ?? '') ?? nothing
  const runs = containers.every(container => of(container).startedAt !== undefined)
  const started = containers.some(
    container => of(container).startedAt !== undefined || of(container).lastExit !== undefined,
  )
  const condition = (type: string, holds: boolean): JsonObject => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: timestamp(),
  })
  return {
    phase: started ? 'Running' : 'Pending',
    hostIP: address,
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: timestamp(),
    conditions: [
      condition('Initialized', true),
      condition('ContainersReady', runs),
      condition('Ready', runs),
    ],
    containerStatuses: containers.map(container => containerStatus(container, of(container))),
  }
}
