/** DRBD's numbers and their words: commands, states by family version, results. */

/** `genlmsghdr.version` and the family's version: 1 is DRBD 8.4, 2 is 9.x. */
export type FamilyVersion = 1 | 2

export const CMD = {
  EVENT: 1, // 8.4 only, the old events; a sequence of their own
  GET_STATUS: 2, // 8.4 only
  NEW_MINOR: 5,
  DEL_MINOR: 6,
  NEW_RESOURCE: 7,
  DEL_RESOURCE: 8,
  RESOURCE_OPTS: 9,
  CONNECT: 10,
  DISCONNECT: 11,
  ATTACH: 12,
  RESIZE: 13,
  PRIMARY: 14,
  SECONDARY: 15,
  NEW_C_UUID: 16,
  START_OV: 17,
  DETACH: 18,
  INVALIDATE: 19,
  INVAL_PEER: 20,
  PAUSE_SYNC: 21,
  RESUME_SYNC: 22,
  SUSPEND_IO: 23,
  RESUME_IO: 24,
  OUTDATE: 25,
  GET_TIMEOUT_TYPE: 26,
  DOWN: 27,
  CHG_DISK_OPTS: 28,
  CHG_NET_OPTS: 29,
  GET_RESOURCES: 30,
  GET_DEVICES: 31,
  GET_CONNECTIONS: 32,
  GET_PEER_DEVICES: 33,
  RESOURCE_STATE: 34,
  DEVICE_STATE: 35,
  CONNECTION_STATE: 36,
  PEER_DEVICE_STATE: 37,
  GET_INITIAL_STATE: 38,
  HELPER: 40,
  INITIAL_STATE_DONE: 41,
  FORGET_PEER: 42,
  CHG_PEER_DEVICE_OPTS: 43,
  NEW_PEER: 44,
  NEW_PATH: 45,
  DEL_PEER: 46,
  DEL_PATH: 47,
  PATH_STATE: 48,
  RENAME_RESOURCE: 49,
  GET_PATHS: 50,
} as const

export const CMD_NAME: ReadonlyMap<number, string> = new Map(
  Object.entries(CMD).map(([name, no]) => [no, name]),
)

/** `nh_type` without the flag. */
export const NOTICE_TYPES = ['exists', 'create', 'change', 'destroy', 'call', 'response', 'rename'] as const
export const NOTICE_CONTINUES = 0x8000

export const ROLES = ['Unknown', 'Primary', 'Secondary'] as const

const DISKS_9 = [
  'Diskless',
  'Attaching',
  'Detaching',
  'Failed',
  'Negotiating',
  'Inconsistent',
  'Outdated',
  'DUnknown',
  'Consistent',
  'UpToDate',
] as const
/** 8.4 lacks Detaching: every later number is one less. */
const DISKS_84 = [
  'Diskless',
  'Attaching',
  'Failed',
  'Negotiating',
  'Inconsistent',
  'Outdated',
  'DUnknown',
  'Consistent',
  'UpToDate',
] as const
export const DISKS: Readonly<Record<FamilyVersion, readonly (typeof DISKS_9)[number][]>> = {
  1: DISKS_84,
  2: DISKS_9,
}

export const CONNECTIONS = [
  'StandAlone',
  'Disconnecting',
  'Unconnected',
  'Timeout',
  'BrokenPipe',
  'NetworkFailure',
  'ProtocolError',
  'TearDown',
  'Connecting',
  'Connected',
] as const

/** From 9 on; the same in the new-style messages of 8.4. */
export const REPLICATION_FIRST = 9
export const REPLICATIONS = [
  'Off',
  'Established',
  'StartingSyncS',
  'StartingSyncT',
  'WFBitMapS',
  'WFBitMapT',
  'WFSyncUUID',
  'SyncSource',
  'SyncTarget',
  'VerifyS',
  'VerifyT',
  'PausedSyncS',
  'PausedSyncT',
  'Ahead',
  'Behind',
] as const

export const WRITE_ORDERINGS = ['none', 'drain', 'flush', 'barrier'] as const
export const FENCING = ['dont-care', 'resource-only', 'resource-and-stonith'] as const

/** `peer_dev_uuid_flags`: the peer's data is the result of no unfinished change. */
export const UUID_FLAG_STABLE = 32n

/** A `ret_code` that says that nothing was wrong. */
export const NO_ERROR = 101

/** State-change results (1–4 done, below 1 refused) and configuration errors (above 101), by the kernel's names. */
export const RESULTS: ReadonlyMap<number, string> = new Map([
  [4, 'SS_CW_NO_NEED'],
  [3, 'SS_CW_SUCCESS'],
  [2, 'SS_NOTHING_TO_DO'],
  [1, 'SS_SUCCESS'],
  [0, 'SS_UNKNOWN_ERROR'],
  [-1, 'SS_TWO_PRIMARIES'],
  [-2, 'SS_NO_UP_TO_DATE_DISK'],
  [-4, 'SS_NO_LOCAL_DISK'],
  [-5, 'SS_NO_REMOTE_DISK'],
  [-6, 'SS_CONNECTED_OUTDATES'],
  [-7, 'SS_PRIMARY_NOP'],
  [-8, 'SS_RESYNC_RUNNING'],
  [-9, 'SS_ALREADY_STANDALONE'],
  [-10, 'SS_CW_FAILED_BY_PEER'],
  [-11, 'SS_IS_DISKLESS'],
  [-12, 'SS_DEVICE_IN_USE'],
  [-13, 'SS_NO_NET_CONFIG'],
  [-14, 'SS_NO_VERIFY_ALG'],
  [-15, 'SS_NEED_CONNECTION'],
  [-16, 'SS_LOWER_THAN_OUTDATED'],
  [-17, 'SS_NOT_SUPPORTED'],
  [-18, 'SS_IN_TRANSIENT_STATE'],
  [-19, 'SS_CONCURRENT_ST_CHG'],
  [-20, 'SS_O_VOL_PEER_PRI'],
  [-21, 'SS_INTERRUPTED'],
  [-22, 'SS_PRIMARY_READER'],
  [-23, 'SS_TIMEOUT'],
  [-24, 'SS_WEAKLY_CONNECTED'],
  [-25, 'SS_NO_QUORUM'],
  [-26, 'SS_ATTACH_NO_BITMAP'],
  [-27, 'SS_HANDSHAKE_DISCONNECT'],
  [-28, 'SS_HANDSHAKE_RETRY'],
  [101, 'NO_ERROR'],
  [102, 'ERR_LOCAL_ADDR'],
  [103, 'ERR_PEER_ADDR'],
  [104, 'ERR_OPEN_DISK'],
  [105, 'ERR_OPEN_MD_DISK'],
  [107, 'ERR_DISK_NOT_BDEV'],
  [108, 'ERR_MD_NOT_BDEV'],
  [111, 'ERR_DISK_TOO_SMALL'],
  [112, 'ERR_MD_DISK_TOO_SMALL'],
  [114, 'ERR_BDCLAIM_DISK'],
  [115, 'ERR_BDCLAIM_MD_DISK'],
  [116, 'ERR_MD_IDX_INVALID'],
  [118, 'ERR_IO_MD_DISK'],
  [119, 'ERR_MD_INVALID'],
  [120, 'ERR_AUTH_ALG'],
  [121, 'ERR_AUTH_ALG_ND'],
  [122, 'ERR_NOMEM'],
  [123, 'ERR_DISCARD_IMPOSSIBLE'],
  [124, 'ERR_DISK_CONFIGURED'],
  [125, 'ERR_NET_CONFIGURED'],
  [126, 'ERR_MANDATORY_TAG'],
  [127, 'ERR_MINOR_INVALID'],
  [129, 'ERR_INTR'],
  [130, 'ERR_RESIZE_RESYNC'],
  [131, 'ERR_NO_PRIMARY'],
  [132, 'ERR_RESYNC_AFTER'],
  [133, 'ERR_RESYNC_AFTER_CYCLE'],
  [134, 'ERR_PAUSE_IS_SET'],
  [135, 'ERR_PAUSE_IS_CLEAR'],
  [137, 'ERR_PACKET_NR'],
  [138, 'ERR_NO_DISK'],
  [139, 'ERR_NOT_PROTO_C'],
  [140, 'ERR_NOMEM_BITMAP'],
  [141, 'ERR_INTEGRITY_ALG'],
  [142, 'ERR_INTEGRITY_ALG_ND'],
  [143, 'ERR_CPU_MASK_PARSE'],
  [144, 'ERR_CSUMS_ALG'],
  [145, 'ERR_CSUMS_ALG_ND'],
  [146, 'ERR_VERIFY_ALG'],
  [147, 'ERR_VERIFY_ALG_ND'],
  [148, 'ERR_CSUMS_RESYNC_RUNNING'],
  [149, 'ERR_VERIFY_RUNNING'],
  [150, 'ERR_DATA_NOT_CURRENT'],
  [151, 'ERR_CONNECTED'],
  [152, 'ERR_PERM'],
  [153, 'ERR_NEED_APV_93'],
  [154, 'ERR_STONITH_AND_PROT_A'],
  [155, 'ERR_CONG_NOT_PROTO_A'],
  [156, 'ERR_PIC_AFTER_DEP'],
  [157, 'ERR_PIC_PEER_DEP'],
  [158, 'ERR_RES_NOT_KNOWN'],
  [159, 'ERR_RES_IN_USE'],
  [160, 'ERR_MINOR_CONFIGURED'],
  [161, 'ERR_MINOR_OR_VOLUME_EXISTS'],
  [162, 'ERR_INVALID_REQUEST'],
  [163, 'ERR_NEED_APV_100'],
  [164, 'ERR_NEED_ALLOW_TWO_PRI'],
  [165, 'ERR_MD_UNCLEAN'],
  [166, 'ERR_MD_LAYOUT_CONNECTED'],
  [167, 'ERR_MD_LAYOUT_TOO_BIG'],
  [168, 'ERR_MD_LAYOUT_TOO_SMALL'],
  [169, 'ERR_MD_LAYOUT_NO_FIT'],
  [170, 'ERR_IMPLICIT_SHRINK'],
  [171, 'ERR_INVALID_PEER_NODE_ID'],
  [172, 'ERR_CREATE_TRANSPORT'],
  [173, 'ERR_LOCAL_AND_PEER_ADDR'],
  [174, 'ERR_ALREADY_EXISTS'],
  [175, 'ERR_APV_TOO_LOW'],
  [176, 'ERR_PATH_COLLISION'],
])

/** 8.4 uses −21 for "outdate without a connection". */
export function resultName(code: number, version: FamilyVersion): string {
  if (version === 1 && code === -21) return 'SS_OUTDATE_WO_CONN'
  return RESULTS.get(code) ?? `unknown:${code}`
}
