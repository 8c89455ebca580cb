/** DRBD's attribute blocks and commands as tables: 8.4 and 9.x use the same numbers, each leaves out what it lacks. */
import { type BlockValue, block } from './attrs.ts'

const CFG_REPLY = block(1, 'cfg_reply', { 1: ['info_text', 'strs'] })
const CFG_CONTEXT = block(2, 'cfg_context', {
  1: ['ctx_volume', 'u32'],
  2: ['ctx_resource_name', 'str'],
  3: ['ctx_my_addr', 'bin'],
  4: ['ctx_peer_addr', 'bin'],
  5: ['ctx_conn_name', 'str'],
  6: ['ctx_peer_node_id', 'u32'],
})
const DISK_CONF = block(3, 'disk_conf', {
  1: ['backing_dev', 'str'],
  2: ['meta_dev', 'str'],
  3: ['meta_dev_idx', 's32'],
  4: ['disk_size', 'u64'],
  5: ['max_bio_bvecs', 'u32'], // 8.4
  6: ['on_io_error', 'u32'],
  7: ['fencing', 'u32'], // 8.4; 9.x has it in net_conf
  8: ['resync_rate', 'u32'], // 8, 11–15: 8.4; 9.x has them in peer_device_conf
  9: ['resync_after', 's32'],
  10: ['al_extents', 'u32'],
  11: ['c_plan_ahead', 'u32'],
  12: ['c_delay_target', 'u32'],
  13: ['c_fill_target', 'u32'],
  14: ['c_max_rate', 'u32'],
  15: ['c_min_rate', 'u32'],
  16: ['disk_barrier', 'flg'],
  17: ['disk_flushes', 'flg'],
  18: ['disk_drain', 'flg'],
  19: ['md_flushes', 'flg'],
  20: ['disk_timeout', 'u32'],
  21: ['read_balancing', 'u32'],
  22: ['unplug_watermark', 'u32'],
  23: ['al_updates', 'flg'],
  24: ['discard_zeroes_if_aligned', 'flg'],
  25: ['rs_discard_granularity', 'u32'],
  26: ['disable_write_same', 'flg'],
  27: ['bitmap', 'flg'],
})
const RES_OPTS = block(4, 'res_opts', {
  1: ['cpu_mask', 'str'],
  2: ['on_no_data', 'u32'],
  3: ['auto_promote', 'flg'],
  4: ['node_id', 'u32'],
  5: ['peer_ack_window', 'u32'],
  6: ['twopc_timeout', 'u32'],
  7: ['twopc_retry_timeout', 'u32'],
  8: ['peer_ack_delay', 'u32'],
  9: ['auto_promote_timeout', 'u32'],
  10: ['nr_requests', 'u32'],
  11: ['quorum', 's32'],
  12: ['on_no_quorum', 'u32'],
  13: ['quorum_min_redundancy', 's32'],
  14: ['on_susp_primary_outdated', 'u32'],
  15: ['drbd8_compat_mode', 'flg'],
  16: ['explicit_drbd8_compat', 'flg'],
})
const NET_CONF = block(5, 'net_conf', {
  1: ['shared_secret', 'str'],
  2: ['cram_hmac_alg', 'str'],
  3: ['integrity_alg', 'str'],
  4: ['verify_alg', 'str'],
  5: ['csums_alg', 'str'],
  6: ['wire_protocol', 'u32'],
  7: ['connect_int', 'u32'],
  8: ['timeout', 'u32'],
  9: ['ping_int', 'u32'],
  10: ['ping_timeo', 'u32'],
  11: ['sndbuf_size', 'u32'],
  12: ['rcvbuf_size', 'u32'],
  13: ['ko_count', 'u32'],
  14: ['max_buffers_84', 'u32'], // 14, 16, 25, 28: 8.4
  15: ['max_epoch_size', 'u32'],
  16: ['unplug_watermark', 'u32'],
  17: ['after_sb_0p', 'u32'],
  18: ['after_sb_1p', 'u32'],
  19: ['after_sb_2p', 'u32'],
  20: ['rr_conflict', 'u32'],
  21: ['on_congestion', 'u32'],
  22: ['cong_fill', 'u32'],
  23: ['cong_extents', 'u32'],
  24: ['two_primaries', 'flg'],
  25: ['discard_my_data', 'flg'],
  26: ['tcp_cork', 'flg'],
  27: ['always_asbp', 'flg'],
  28: ['tentative', 'flg'],
  29: ['use_rle', 'flg'],
  30: ['fencing_policy', 'u32'],
  31: ['name', 'str'],
  33: ['csums_after_crash_only', 'flg'],
  34: ['sock_check_timeo', 'u32'],
  35: ['transport_name', 'str'],
  36: ['max_buffers', 'u32'],
  37: ['allow_remote_read', 'flg'],
  38: ['tls', 'flg'],
  39: ['tls_privkey', 's32'],
  40: ['tls_certificate', 's32'],
  41: ['tls_keyring', 's32'],
  42: ['load_balance_paths', 'flg'],
  43: ['rdma_ctrl_rcvbuf_size', 'u32'],
  44: ['rdma_ctrl_sndbuf_size', 'u32'],
})
const SET_ROLE_PARMS = block(6, 'set_role_parms', { 1: ['force', 'flg'] })
const RESIZE_PARMS = block(7, 'resize_parms', {
  1: ['resize_size', 'u64'],
  2: ['resize_force', 'flg'],
  3: ['no_resync', 'flg'],
  4: ['al_stripes', 'u32'],
  5: ['al_stripe_size', 'u32'],
})
/** 8.4 only: the body of the old events and of GET_STATUS. */
const STATE_INFO = block(8, 'state_info', {
  1: ['sib_reason', 'u32'],
  2: ['current_state', 'u32'],
  3: ['capacity', 'u64'],
  4: ['ed_uuid', 'u64'],
  5: ['prev_state', 'u32'],
  6: ['new_state', 'u32'],
  7: ['uuids', 'bin'],
  8: ['disk_flags', 'u32'],
  9: ['bits_total', 'u64'],
  10: ['bits_oos', 'u64'],
  11: ['bits_rs_total', 'u64'],
  12: ['bits_rs_failed', 'u64'],
  13: ['helper', 'str'],
  14: ['helper_exit_code', 'u32'],
  15: ['send_cnt', 'u64'],
  16: ['recv_cnt', 'u64'],
  17: ['read_cnt', 'u64'],
  18: ['writ_cnt', 'u64'],
  19: ['al_writ_cnt', 'u64'],
  20: ['bm_writ_cnt', 'u64'],
  21: ['ap_bio_cnt', 'u32'],
  22: ['ap_pending_cnt', 'u32'],
  23: ['rs_pending_cnt', 'u32'],
})
const START_OV_PARMS = block(9, 'start_ov_parms', {
  1: ['ov_start_sector', 'u64'],
  2: ['ov_stop_sector', 'u64'],
})
const NEW_C_UUID_PARMS = block(10, 'new_c_uuid_parms', { 1: ['clear_bm', 'flg'], 2: ['force_resync', 'flg'] })
const TIMEOUT_PARMS = block(11, 'timeout_parms', { 1: ['timeout_type', 'u32'] })
const DISCONNECT_PARMS = block(12, 'disconnect_parms', { 1: ['force_disconnect', 'flg'] })
const DETACH_PARMS = block(13, 'detach_parms', {
  1: ['force_detach', 'flg'],
  2: ['intentional_diskless_detach', 'flg'],
})
const DEVICE_CONF = block(14, 'device_conf', {
  1: ['max_bio_size', 'u32'],
  2: ['intentional_diskless', 'flg'],
  3: ['block_size', 'u32'],
  4: ['discard_granularity', 'u32'],
})
const RESOURCE_INFO = block(15, 'resource_info', {
  1: ['res_role', 'u32'],
  2: ['res_susp', 'flg'],
  3: ['res_susp_nod', 'flg'],
  4: ['res_susp_fen', 'flg'],
  5: ['res_susp_quorum', 'flg'],
  6: ['res_fail_io', 'flg'],
})
const DEVICE_INFO = block(16, 'device_info', {
  1: ['dev_disk_state', 'u32'],
  2: ['is_intentional_diskless', 'flg'],
  3: ['dev_has_quorum', 'flg'],
  4: ['backing_dev_path', 'str'],
  5: ['dev_is_open', 'flg'],
})
const CONNECTION_INFO = block(17, 'connection_info', {
  1: ['conn_connection_state', 'u32'],
  2: ['conn_role', 'u32'],
})
const PEER_DEVICE_INFO = block(18, 'peer_device_info', {
  1: ['peer_repl_state', 'u32'],
  2: ['peer_disk_state', 'u32'],
  3: ['peer_resync_susp_user', 'u32'],
  4: ['peer_resync_susp_peer', 'u32'],
  5: ['peer_resync_susp_dependency', 'u32'],
  6: ['peer_is_intentional_diskless', 'flg'],
  7: ['peer_resync_susp_max_parallel', 'u32'],
})
const RESOURCE_STATISTICS = block(19, 'resource_statistics', { 1: ['res_stat_write_ordering', 'u32'] })
const DEVICE_STATISTICS = block(20, 'device_statistics', {
  1: ['dev_size', 'u64'],
  2: ['dev_read', 'u64'],
  3: ['dev_write', 'u64'],
  4: ['dev_al_writes', 'u64'],
  5: ['dev_bm_writes', 'u64'],
  6: ['dev_upper_pending', 'u32'],
  7: ['dev_lower_pending', 'u32'],
  8: ['dev_upper_blocked', 'flg'],
  9: ['dev_lower_blocked', 'flg'],
  10: ['dev_al_suspended', 'flg'],
  11: ['dev_exposed_data_uuid', 'u64'],
  12: ['dev_current_uuid', 'u64'],
  13: ['dev_disk_flags', 'u32'],
  14: ['history_uuids', 'bin'],
})
const CONNECTION_STATISTICS = block(21, 'connection_statistics', {
  1: ['conn_congested', 'flg'],
  2: ['ap_in_flight', 'u64'],
  3: ['rs_in_flight', 'u64'],
})
const PEER_DEVICE_STATISTICS = block(22, 'peer_device_statistics', {
  1: ['peer_dev_received', 'u64'],
  2: ['peer_dev_sent', 'u64'],
  3: ['peer_dev_pending', 'u32'],
  4: ['peer_dev_unacked', 'u32'],
  5: ['peer_dev_out_of_sync', 'u64'],
  6: ['peer_dev_resync_failed', 'u64'],
  7: ['peer_dev_bitmap_uuid', 'u64'],
  9: ['peer_dev_flags', 'u32'],
  10: ['peer_dev_rs_total', 'u64'],
  11: ['peer_dev_ov_start_sector', 'u64'],
  12: ['peer_dev_ov_stop_sector', 'u64'],
  13: ['peer_dev_ov_position', 'u64'],
  14: ['peer_dev_ov_left', 'u64'],
  15: ['peer_dev_ov_skipped', 'u64'],
  16: ['peer_dev_rs_same_csum', 'u64'],
  17: ['peer_dev_rs_dt_start_ms', 'u64'],
  18: ['peer_dev_rs_paused_ms', 'u64'],
  19: ['peer_dev_rs_dt0_ms', 'u64'],
  20: ['peer_dev_rs_db0_sectors', 'u64'],
  21: ['peer_dev_rs_dt1_ms', 'u64'],
  22: ['peer_dev_rs_db1_sectors', 'u64'],
  23: ['peer_dev_rs_c_sync_rate', 'u32'],
  24: ['peer_dev_uuid_flags', 'u64'],
})
const NOTIFICATION_HEADER = block(23, 'notification_header', { 1: ['nh_type', 'u32'] })
const HELPER = block(24, 'helper', { 1: ['helper_name', 'str'], 2: ['helper_status', 'u32'] })
const INVALIDATE_PARMS = block(25, 'invalidate_parms', {
  1: ['sync_from_peer_node_id', 's32'],
  2: ['reset_bitmap', 'flg'],
})
const FORGET_PEER_PARMS = block(26, 'forget_peer_parms', { 1: ['forget_peer_node_id', 's32'] })
const PEER_DEVICE_CONF = block(27, 'peer_device_conf', {
  1: ['resync_rate', 'u32'],
  2: ['c_plan_ahead', 'u32'],
  3: ['c_delay_target', 'u32'],
  4: ['c_fill_target', 'u32'],
  5: ['c_max_rate', 'u32'],
  6: ['c_min_rate', 'u32'],
  7: ['bitmap', 'flg'],
  8: ['resync_without_replication', 'flg'],
  9: ['peer_tiebreaker', 'flg'],
})
const PATH_PARMS = block(28, 'path_parms', { 1: ['my_addr', 'bins'], 2: ['peer_addr', 'bins'] })
const CONNECT_PARMS = block(29, 'connect_parms', { 1: ['tentative', 'flg'], 2: ['discard_my_data', 'flg'] })
const PATH_INFO = block(30, 'path_info', { 1: ['path_established', 'flg'] })
const RENAME_RESOURCE_PARMS = block(31, 'rename_resource_parms', { 1: ['new_resource_name', 'str'] })
const RENAME_RESOURCE_INFO = block(32, 'rename_resource_info', { 1: ['res_new_name', 'str'] })
const INVALIDATE_PEER_PARMS = block(33, 'invalidate_peer_parms', { 1: ['p_reset_bitmap', 'flg'] })
const SUSPEND_IO_PARMS = block(34, 'suspend_io_parms', { 1: ['bdev_freeze', 'flg'] })

export const BLOCKS = [
  CFG_REPLY,
  CFG_CONTEXT,
  DISK_CONF,
  RES_OPTS,
  NET_CONF,
  SET_ROLE_PARMS,
  RESIZE_PARMS,
  STATE_INFO,
  START_OV_PARMS,
  NEW_C_UUID_PARMS,
  TIMEOUT_PARMS,
  DISCONNECT_PARMS,
  DETACH_PARMS,
  DEVICE_CONF,
  RESOURCE_INFO,
  DEVICE_INFO,
  CONNECTION_INFO,
  PEER_DEVICE_INFO,
  RESOURCE_STATISTICS,
  DEVICE_STATISTICS,
  CONNECTION_STATISTICS,
  PEER_DEVICE_STATISTICS,
  NOTIFICATION_HEADER,
  HELPER,
  INVALIDATE_PARMS,
  FORGET_PEER_PARMS,
  PEER_DEVICE_CONF,
  PATH_PARMS,
  CONNECT_PARMS,
  PATH_INFO,
  RENAME_RESOURCE_PARMS,
  RENAME_RESOURCE_INFO,
  INVALIDATE_PEER_PARMS,
  SUSPEND_IO_PARMS,
] as const

type AnyBlock = (typeof BLOCKS)[number]
export type BlockName = AnyBlock['name']
/** What a message may carry: each block at most once, by its name. */
export type Blocks = { readonly [B in AnyBlock as B['name']]?: BlockValue<B> }

export type DeviceStatistics = BlockValue<typeof DEVICE_STATISTICS>
export type ConnectionStatistics = BlockValue<typeof CONNECTION_STATISTICS>
export type PeerDeviceStatistics = BlockValue<typeof PEER_DEVICE_STATISTICS>
export type ResourceOptions = BlockValue<typeof RES_OPTS>

export const BLOCK_BY_NO: ReadonlyMap<number, AnyBlock> = new Map(BLOCKS.map(table => [table.no, table]))
