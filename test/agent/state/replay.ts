/** Plays recorded datagrams through codec, sequence and reducer, as the source and the loop do. */
import { DrbdSequence, type Step } from '../../../agent/source/drbd-sequence.ts'
import { reduceDrbd } from '../../../agent/state/drbd.ts'
import { type DrbdState, NO_DRBD } from '../../../agent/state/drbd-model.ts'
import type { FamilyVersion } from '../../../agent/wire/drbd-codes.ts'
import { readDrbdMessage } from '../../../agent/wire/drbd-message.ts'
import { type DrbdNotice, toNotice } from '../../../agent/wire/drbd-notice.ts'
import { NLMSG_DONE, NLMSG_HEADER, type NlMessage, readNlMessages } from '../../../agent/wire/nlmsg.ts'

/** nlctrl is 16; ids below are netlink's own, family ids of DRBD are above. */
const isDrbd = (message: NlMessage): boolean => message.type > 16

export function noticesOf(datagrams: readonly Uint8Array[]): DrbdNotice[] {
  return datagrams.flatMap(datagram =>
    readNlMessages(datagram)
      .filter(message => message.type !== NLMSG_DONE && isDrbd(message))
      .map(message => toNotice(readDrbdMessage(message))),
  )
}

export class Replay {
  state: DrbdState = NO_DRBD
  readonly losses: string[] = []
  readonly #sequence = new DrbdSequence()
  readonly #version: FamilyVersion

  constructor(version: FamilyVersion, start: readonly Uint8Array[]) {
    this.#version = version
    this.#sequence.begin()
    this.#do(this.#sequence.dumped(noticesOf(start)), 0)
  }

  /** The number of changes that became complete. */
  take(datagram: Uint8Array, at: number): number {
    let count = 0
    for (const message of readNlMessages(datagram)) {
      if (!isDrbd(message) || message.view.getUint8(NLMSG_HEADER) === 1) continue
      const steps = this.#sequence.take(message.seq, toNotice(readDrbdMessage(message)), at)
      count += steps.length
      this.#do(steps, at)
    }
    this.#do(this.#sequence.tick(at), at)
    return count
  }

  get waits(): boolean {
    return this.#sequence.wakeAt !== undefined
  }

  #do(steps: readonly Step[], at: number): void {
    for (const step of steps) {
      if (step.kind === 'resync') this.losses.push(step.because)
      else if (step.kind === 'batch')
        this.state = reduceDrbd(this.state, { kind: 'drbd-batch', at: step.at, notices: step.notices })
      else
        this.state = reduceDrbd(this.state, {
          kind: 'drbd-snapshot',
          at,
          familyVersion: this.#version,
          notices: step.notices,
        })
    }
  }
}

/** The state that a dump alone gives. */
export function stateOf(version: FamilyVersion, dump: readonly Uint8Array[]): DrbdState {
  return new Replay(version, dump).state
}

/** What can be compared between two moments: no counters, no time, no configuration. */
export function essence(state: DrbdState): unknown {
  return [...state.resources.values()]
    .map(({ name, role, suspended, failIo, devices, connections }) => ({
      name,
      role,
      suspended,
      failIo,
      devices: [...devices.values()]
        .map(({ volume, minor, disk, client, hasQuorum, isOpen, backingDev }) => ({
          volume,
          minor,
          disk,
          client,
          hasQuorum,
          isOpen,
          backingDev,
        }))
        .sort((a, b) => a.volume - b.volume),
      connections: [...connections.values()]
        .map(({ peerNodeId, connName, state: connection, peerRole, peerDevices, paths }) => ({
          peerNodeId,
          connName,
          connection,
          peerRole,
          paths: [...(paths?.values() ?? [])].sort((a, b) => (a.local + a.peer < b.local + b.peer ? -1 : 1)),
          peerDevices: [...peerDevices.values()]
            .map(({ volume, replication, peerDisk, peerClient, resyncSuspended }) => ({
              volume,
              replication,
              peerDisk,
              peerClient,
              resyncSuspended,
            }))
            .sort((a, b) => a.volume - b.volume),
        }))
        .sort((a, b) => a.peerNodeId - b.peerNodeId),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
