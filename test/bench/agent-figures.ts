/** Measures the agent in a guest: from kernel event to decision, memory, processes started and CPU when nothing happens. */
import { StatusSchema } from '#protocol/status.ts'
import type { Lab } from '../lab/lab.ts'
import type { LabNode } from '../lab/layout.ts'
import type { Row } from './table.ts'

const CHANGES = 100
const IDLE_S = 30
/** Ticks of /proc/PID/stat in a second. */
const HZ = 100

/** Three agents without an API server and one resource; what is measured is the agent of the first node. */
export async function benchAgent(lab: Lab, nodes: readonly LabNode[]): Promise<readonly Row[]> {
  const [first = 'n1'] = nodes
  const pairs = [nodes[0] ?? 'n1', nodes[1] ?? 'n2'] as const
  const bare = await idle(lab, first, undefined)
  for (const node of nodes) await startAgent(lab, node)
  await lab.until(first, 'node /hawser/hawser.mjs status -o json || true', /"armed": true/)
  await lab.setupResource({
    resource: 'r0',
    nodes: pairs,
    fileSystem: 'none',
    handler: '/var/lib/hawser/bin/fence-peer',
  })
  const change = 'drbdsetup primary 0 && drbdsetup secondary 0'
  await lab.sh(first, `for i in $(seq ${CHANGES / 2}); do ${change} || exit 1; done`, { deadlineMs: 120_000 })
  const status = StatusSchema.parse(JSON.parse(await lab.sh(first, 'node /hawser/hawser.mjs status -o json')))
  const events = status.kernelEvents ?? { count: 0, p50Ms: Number.NaN, p99Ms: Number.NaN, maxMs: Number.NaN }
  const pid = (await lab.sh(first, 'pgrep -f /hawser/[a]gent.mjs | tail -1')).trim()
  const with_ = await idle(lab, first, pid)
  const rssMiB = Number(await lab.sh(first, `awk '/VmRSS/ {print $2}' /proc/${pid}/status`)) / 1024
  const starts = ((with_.starts - bare.starts) * 60) / IDLE_S
  const cpu = (with_.ticks / HZ / IDLE_S) * 100
  return [
    row(`kernel event → decision begun, p50 of ${events.count}`, events.p50Ms, 'ms', 10),
    row('kernel event → decision begun, p99', events.p99Ms, 'ms', 10),
    row('agent, resident memory', rssMiB, 'MiB', 80),
    row('process starts a minute when idle, above a bare guest', starts, '', 0),
    row('CPU of the agent when idle, part of a (UML) core', cpu, '%', 10),
  ]
}

function row(what: string, value: number, unit: string, most: number): Row {
  const measured = `${value.toFixed(1)} ${unit}`.trim()
  return { what, measured, limit: `≤ ${most} ${unit}`.trim(), reached: value <= most }
}

async function startAgent(lab: Lab, node: LabNode): Promise<void> {
  await lab.sh(
    node,
    `modprobe softdog soft_margin=5 nowayout=0; mkdir -p /etc/hawser; install -m 600 /hawser/key /etc/hawser/key
HAWSER_NODE=$(command -v node) setsid sh /hawser/run-agent.sh --node ${node} --members /hawser/members.json --api none \\
  --watchdog /dev/watchdog1 --log-level warn >/run/agent.log 2>&1 </dev/null &`,
  )
}

/** What a quiet guest does: processes started since, and CPU ticks of one process. */
async function idle(
  lab: Lab,
  node: LabNode,
  pid: string | undefined,
): Promise<{ starts: number; ticks: number }> {
  const ticks = pid === undefined ? 'echo 0' : `awk '{print $14 + $15}' /proc/${pid}/stat`
  const script = `p() { awk '/^processes/ {print $2}' /proc/stat; }; a=$(p); t=$(${ticks}); sleep ${IDLE_S}; b=$(p); u=$(${ticks}); echo $((b - a)) $((u - t))`
  const [starts = 0, used = 0] = (await lab.sh(node, script, { deadlineMs: (IDLE_S + 30) * 1000 }))
    .split(' ')
    .map(Number)
  return { starts, ticks: used }
}
