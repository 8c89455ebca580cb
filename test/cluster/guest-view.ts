/** What the guests of a cluster see of this machine, and what PID 1 does with it at every boot. */
import { dirname, join } from 'node:path'
import type { LabOptions } from '../lab/options.ts'

const INSIDE = '/run/cluster'

export interface GuestViewWanted {
  /** Archives, configuration of the nodes. */
  readonly stateDir: string
  readonly kubehost: string
  /** How many empty disks stand before the container disk. */
  readonly emptyDisks: number
}

/** Options for the lab; a hook of the caller's own goes into the setting `cluster_also`. */
export function guestView(wanted: GuestViewWanted): Required<Pick<LabOptions, 'mounts' | 'settings'>> {
  return {
    mounts: {
      [`${INSIDE}/guest`]: join(import.meta.dirname, 'guest'),
      [`${INSIDE}/state`]: wanted.stateDir,
      [`${INSIDE}/bin`]: dirname(wanted.kubehost),
    },
    settings: { cluster_dir: INSIDE, cluster_disk: `/dev/ubd${'abcdefg'[wanted.emptyDisks]}` },
  }
}

export const CLUSTER_HOOK = `${INSIDE}/guest/hook.sh`
export const NODE_SCRIPT = `${INSIDE}/guest/node.sh`
