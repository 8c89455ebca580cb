/** Keeps packages from starting their services while they are installed: nothing here uses containerd's or LVM's. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'

const POLICY = '/usr/sbin/policy-rc.d'
/** Debian's word for "not allowed by policy". */
const FORBIDDEN = 101

/**
 * Debian asks this program before it starts a service. Ours says no only while this process lives, so that even
 * one left behind by a SIGKILL changes nothing later. A policy that is there already is left as it is.
 */
export function forbidServiceStarts(path = POLICY): Disposable {
  if (existsSync(path)) return { [Symbol.dispose]: () => {} }
  const lines = [
    '#!/bin/sh',
    '# Made by Hawser for the time of one package installation; may be removed.',
    `kill -0 ${process.pid} 2>/dev/null && exit ${FORBIDDEN}`,
    'exit 0',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o755, flag: 'wx' })
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) }
}
