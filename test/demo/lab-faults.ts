/** The demo's faults by the lab's means; the same for both kinds of cluster. */
import type { Lab } from '../lab/lab.ts'
import { CUTTABLE, labNode } from '../lab/layout.ts'
import type { FaultTools } from './backend.ts'

/** The agent's command line in a guest, and in a pod on it: a pod's processes are the guest's too. */
const AGENT_PROCESS = /node .*\/hawser\/agent\.mjs/

export function labFaults(lab: Lab, resource: string): FaultTools {
  return {
    cutPower: node => lab.powerCut(labNode(node)),
    async isolate(node) {
      await Promise.all(CUTTABLE.map(net => lab.cut(labNode(node), net)))
    },
    async heal(node) {
      await Promise.all(CUTTABLE.map(net => lab.heal(labNode(node), net)))
    },
    async freeze(node) {
      lab.freeze(labNode(node))
    },
    async thaw(node) {
      lab.thaw(labNode(node))
    },
    async killAgent(node) {
      await lab.killProcess(labNode(node), AGENT_PROCESS)
    },
    failDisk: node => lab.breakDisk(labNode(node), resource, { kind: 'error' }),
    healDisk: node => lab.mendDisk(labNode(node), resource),
  }
}
