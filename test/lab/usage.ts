/** What the guests cost this machine: memory and processor time. */
import { readFileSync } from 'node:fs'
import { sessionOf } from './guest-process.ts'
import type { Lab } from './lab.ts'
import type { LabNode } from './layout.ts'

const TICKS_PER_S = 100

/** The processes of a guest share most of their memory: the proportional share counts each page once. */
function memoryMiB(pids: readonly number[]): number {
  const kib = pids.map(pid => Number(/^Pss:\s+(\d+)/m.exec(readOr(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0))
  return Math.round(kib.reduce((sum, size) => sum + size, 0) / 1024)
}

function processorS(pids: readonly number[]): number {
  const ticks = pids.map(pid => {
    const fields = readOr(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  })
  return ticks.reduce((sum, count) => sum + count, 0) / TICKS_PER_S
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

function usageLine(lab: Lab, node: LabNode): string {
  if (!lab.guests.isRunning(node)) return `${node}: off`
  const pids = sessionOf(lab.guests.process(node).pid)
  return `${node}: up, boot ${lab.guests.bootId(node) ?? 'unknown'}, memory ${memoryMiB(pids)} MiB, CPU ${processorS(pids).toFixed(1)} s`
}

export function usageLines(lab: Lab): string[] {
  return lab.nodes.map(node => usageLine(lab, node))
}
