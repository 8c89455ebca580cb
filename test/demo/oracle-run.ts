/** The oracle as the demo uses it: counts from the beginning of a run, reads back while the writer goes on. */

import { hostAddress, type LabNode } from '../lab/layout.ts'
import { judge } from '../lab/oracle/checker.ts'
import { type Collector, openCollector } from '../lab/oracle/collector.ts'
import { scanRecords } from '../lab/oracle/records.ts'
import type { Verdict } from './expectations.ts'

/** The little of a guest that reading back needs. */
export interface ReadBackLab {
  sh(node: LabNode, script: string): Promise<string>
  readFile(node: LabNode, file: string): Promise<Buffer>
}

export interface OracleRun extends AsyncDisposable {
  /** HOST:PORT, for the writer. */
  readonly address: string
  beginRun(): void
  /** `folder` is where the volume is mounted on that node now. Undefined: nowhere, so nothing can be found again. */
  verdict(
    lab: ReadBackLab,
    at: { readonly node: LabNode; readonly folder: string } | undefined,
  ): Promise<Verdict>
}

/** Where a device is mounted in a guest, in the first place; undefined: nowhere. */
export async function mountedAt(
  lab: ReadBackLab,
  node: LabNode,
  device: string,
): Promise<{ readonly node: LabNode; readonly folder: string } | undefined> {
  const folder = (await lab.sh(node, `awk '$1 == "${device}" { print $2; exit }' /proc/mounts`)).trim()
  return folder === '' ? undefined : { node, folder }
}

export const RECORDS = 'records'

/** `onWrite` gets the writer's own wall clock: begun, and acknowledged. */
export async function openOracleRun(
  onWrite: (node: string, begunAt: number, at: number) => void,
): Promise<OracleRun> {
  const collector: Collector = await openCollector(hostAddress('ctl'))
  collector.events.on('ack', ack => onWrite(ack.node, ack.before.wall, ack.after.wall))
  let begin = 0
  return {
    address: collector.address,
    beginRun() {
      begin = collector.acks().length
    },
    async verdict(lab, at) {
      // What is acknowledged from now on may or may not be in what is read: only what was acknowledged before counts.
      const acks = collector.acks().slice(begin)
      if (at === undefined) return { acknowledged: acks.length, lost: acks.length, secondWriters: 0 }
      // From the device, not from the page cache.
      await lab.sh(at.node, 'sync; echo 3 >/proc/sys/vm/drop_caches')
      const scan = scanRecords(await lab.readFile(at.node, `${at.folder}/${RECORDS}`))
      const { acknowledged, lost, secondWriters } = judge(acks, scan)
      return { acknowledged, lost, secondWriters }
    },
    [Symbol.asyncDispose]: () => collector[Symbol.asyncDispose](),
  }
}
