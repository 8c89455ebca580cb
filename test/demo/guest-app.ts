/** The folder that guests see as /hawser: agent, probe and fence-peer handler built from the sources, members, key, tokens. */
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle, compileStatic } from '../../deploy/images/layers.ts'
import { renderResource } from '../lab/drbd-config.ts'
import { hostAddress, type LabNode, nodeAddress } from '../lab/layout.ts'
import type { ResourceSpec } from '../lab/storage.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Where guests see it: as in the images. */
export const APP = '/hawser'
/** C programs that stand beside the agent. */
const HELPERS = ['fence-peer', 'watchdog-holder'] as const

export interface GuestAppWanted {
  readonly dir: string
  readonly nodes: readonly LabNode[]
  readonly probePort: number
  /** Absent: the agents run as pods, not from this folder. */
  readonly apiUrl: string | undefined
  /** Where the CSI plugin, or the stand-in of the kubelet, notes its steps. */
  readonly stepsFile: string
}

/** The members' list as `--members FILE` wants it; the first address carries the beats. */
export function membersText(nodes: readonly LabNode[]): string {
  const members = nodes.map(node => ({
    node,
    addresses: [nodeAddress(node, 'mgmt'), nodeAddress(node, 'repl')],
  }))
  return JSON.stringify({ members })
}

/** What a token names is the user: so the request log of the stand-in tells agents apart. */
export const agentUser = (node: string): string => `agent-${node}`

function writeSettings(wanted: GuestAppWanted): void {
  const settings = {
    api_url: wanted.apiUrl ?? 'none',
    probe_host: hostAddress('ctl'),
    probe_port: String(wanted.probePort),
    with_agent: wanted.apiUrl === undefined ? '' : '1',
    steps_file: wanted.stepsFile,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'`)
  writeFileSync(join(wanted.dir, 'settings'), `${lines.join('\n')}\n`)
}

export async function makeGuestApp(wanted: GuestAppWanted, signal: AbortSignal): Promise<void> {
  const { dir, nodes } = wanted
  mkdirSync(dir, { recursive: true })
  const [agent, cli, kubelet, probe, ...helpers] = await Promise.all([
    bundle('agent/main.ts'),
    bundle('agent/cli/main.ts'),
    bundle('test/fakes/kubelet-guest.ts'),
    bundle('test/demo/guest/probe.ts'),
    ...HELPERS.map(name => compileStatic(join(ROOT, `native/programs/${name}.c`), signal)),
  ])
  writeFileSync(join(dir, 'agent.mjs'), agent)
  writeFileSync(join(dir, 'hawser.mjs'), cli)
  writeFileSync(join(dir, 'kubelet.mjs'), kubelet)
  writeFileSync(join(dir, 'probe.mjs'), probe)
  for (const [index, name] of HELPERS.entries())
    writeFileSync(join(dir, name), helpers[index] ?? '', { mode: 0o755 })
  for (const name of ['koffi', '@koromix'])
    cpSync(join(ROOT, 'node_modules', name), join(dir, 'node_modules', name), {
      recursive: true,
      dereference: true,
    })
  copyFileSync(join(ROOT, 'deploy/images/run-agent.sh'), join(dir, 'run-agent.sh'))
  copyFileSync(join(ROOT, 'test/lab/oracle/writer.mjs'), join(dir, 'writer.mjs'))
  copyFileSync(join(import.meta.dirname, 'guest/boot.sh'), join(dir, 'boot.sh'))
  chmodSync(join(dir, 'boot.sh'), 0o755)
  writeFileSync(join(dir, 'members.json'), membersText(nodes))
  writeFileSync(join(dir, 'key'), randomBytes(32).toString('hex'))
  for (const node of nodes) writeFileSync(join(dir, `token.${node}`), agentUser(node))
  writeSettings(wanted)
}

/** From now on every boot of these nodes brings the volume up. */
export function rememberVolume(dir: string, spec: ResourceSpec): void {
  writeFileSync(join(dir, 'r0.res'), renderResource(spec))
  for (const node of spec.nodes) writeFileSync(join(dir, `r0.${node}`), '')
}
