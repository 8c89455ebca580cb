/** The `sockaddr` in DRBD's address attributes, as text that people and Kubernetes use. */
import { viewOf } from './nlmsg.ts'

const AF_INET = 2
const AF_INET6 = 10

/** `10.98.0.12:7789`, `[fd00::1]:7789`; other families as `family-27:` and hex digits. */
export function addressText(blob: Uint8Array): string {
  const view = viewOf(blob)
  const family = blob.length < 2 ? 0 : view.getUint16(0, true)
  if (family === AF_INET && blob.length >= 8) return `${blob.subarray(4, 8).join('.')}:${view.getUint16(2)}`
  if (family === AF_INET6 && blob.length >= 24) return `[${ipv6Text(view, 8)}]:${view.getUint16(2)}`
  return `family-${family}:${Array.from(blob.subarray(2), byte => byte.toString(16).padStart(2, '0')).join('')}`
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`. */
function ipv6Text(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, group) => view.getUint16(at + 2 * group))
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const hex = groups.map(group => group.toString(16))
  if (best.length < 2) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}
