/** Runs the oracle on a lab: a writer in a guest, and the verdict from a survivor's file. */
import { AppError } from '#kit/errors.ts'
import type { LabNode } from '../layout.ts'
import { mountPoint, type StorageLab } from '../storage.ts'
import { judge, type Verdict } from './checker.ts'
import type { Collector } from './collector.ts'
import { scanRecords } from './records.ts'

export interface OracleLab extends StorageLab {
  readFile(node: LabNode, file: string): Promise<Buffer>
  killProcess(node: LabNode, pattern: RegExp, signal?: NodeJS.Signals): Promise<number[]>
}

export function recordFile(resource: string): string {
  return `${mountPoint(resource)}/records`
}

/** In the background of a guest where the resource is mounted; its words go to /run/writer-RESOURCE.log. */
export async function startWriter(
  lab: StorageLab,
  node: LabNode,
  resource: string,
  collector: Collector,
  everyMs = 20,
): Promise<void> {
  const command = `node /lab/writer.mjs ${recordFile(resource)} ${collector.address} ${node} ${resource} ${everyMs}`
  const log = `/run/writer-${resource}`
  await lab.sh(
    node,
    `rm -f ${log}.status; (setsid ${command}; echo $? >${log}.status) >${log}.log 2>&1 </dev/null &`,
  )
}

/** Exit status of the writer on a node; undefined while it runs. */
export async function writerStatus(
  lab: StorageLab,
  node: LabNode,
  resource: string,
): Promise<number | undefined> {
  const text = (await lab.sh(node, `cat /run/writer-${resource}.status 2>/dev/null || true`)).trim()
  return text === '' ? undefined : Number(text)
}

/** Asks the writer to stop; resolves with its exit status. */
export async function stopWriter(lab: OracleLab, node: LabNode, resource: string): Promise<number> {
  await lab.killProcess(node, new RegExp(`^node \\S*writer\\.mjs ${recordFile(resource)} `), 'SIGTERM')
  return Number(await lab.until(node, `cat /run/writer-${resource}.status 2>/dev/null || true`, /^\d+$/m))
}

/** Reads the file back from the device, not from the page cache. */
export async function readBack(lab: OracleLab, node: LabNode, resource: string): Promise<Buffer> {
  await lab.sh(node, 'sync; echo 3 >/proc/sys/vm/drop_caches')
  return await lab.readFile(node, recordFile(resource))
}

/** The survivor must have the resource mounted, and its writer be stopped. */
export async function verdictFrom(
  lab: OracleLab,
  node: LabNode,
  resource: string,
  collector: Collector,
): Promise<Verdict> {
  if (collector.malformed > 0) {
    throw new AppError('LAB_FAILED', 'the collector got lines that no writer sends', {
      count: collector.malformed,
    })
  }
  return judge(collector.acks(resource), scanRecords(await readBack(lab, node, resource)))
}
