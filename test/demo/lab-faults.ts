/** The demo's faults by the lab's means; the same for both kinds of cluster. */

import { faultDevice } from '../lab/drbd-config.ts'
import { signalIn } from '../lab/exec-client.ts'
import type { Lab } from '../lab/lab.ts'
import { CUTTABLE, labNode } from '../lab/layout.ts'
import { backingVolume, VOLUME_GROUP } from '../lab/storage.ts'
import type { FaultTools } from './backend.ts'

/** The command line of the agent in a guest, and in a pod on it: a pod's processes are the guest's too. */
const AGENT_PROCESS = '^\\S*node\\b.* /app/agent\\.mjs '

/** Another table under the running device: what is in flight ends first. */
function reload(resource: string, target: string): string {
  const device = faultDevice(resource)
  return `set -e
size=$(blockdev --getsz /dev/mapper/${device})
dmsetup suspend --noflush --nolockfs ${device}
dmsetup load ${device} --table "0 $size ${target}" && dmsetup resume ${device}`
}

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
      await signalIn(labNode(node), AGENT_PROCESS, 'SIGKILL')
    },
    async failDisk(node) {
      await lab.sh(labNode(node), reload(resource, 'error'))
    },
    async healDisk(node) {
      const volume = `/dev/${VOLUME_GROUP}/${backingVolume({ resource })}`
      await lab.sh(labNode(node), `${reload(resource, `linear ${volume} 0`)}\ndrbdadm attach ${resource}`)
    },
  }
}
