/** Paths, labels, annotations, taints, condition words and ports: every name that others may rely on. */

export const API_GROUP = 'hawser.io'
export const API_VERSION = 'v1alpha1'
export const NAMESPACE = 'hawser'

export const SOCKET_PATH = '/run/hawser/agent.sock'
export const STATE_DIR = '/var/lib/hawser'
/** UDP: beats between agents. */
export const BEAT_PORT = 9943

export const FIELD_MANAGER_AGENT = 'hawser-agent'
export const FIELD_MANAGER_COORDINATOR = 'hawser-coordinator'
export const LEASE_NAME = 'hawser-coordinator'
export const MEMBERS_CONFIGMAP = 'hawser-members'
export const KEY_SECRET = 'hawser-key'

/** Same names as piraeus-ha-controller, so that dashboards and runbooks keep working. */
export const TAINT_LOST_QUORUM = 'drbd.linbit.com/lost-quorum'
export const ANNOTATION_IGNORE_FAIL_OVER = 'drbd.linbit.com/ignore-fail-over'
export const CSI_DRIVER = 'linstor.csi.linbit.com'

/** Cluster-scoped objects of Hawser: a report for each node, one status of the whole. */
export const NODE_PLURAL = 'hawsernodes'
export const NODE_KIND = 'HawserNode'
export const CLUSTER_PLURAL = 'hawserclusters'
export const CLUSTER_KIND = 'HawserCluster'
export const CLUSTER_OBJECT = 'hawser'

/** On a Node, by a person: addresses of its networks, comma-separated, the one for the beats first; else its InternalIPs are taken. */
export const ANNOTATION_ADDRESSES = 'hawser.io/addresses'
