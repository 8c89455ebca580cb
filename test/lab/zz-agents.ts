import { mkdirSync, writeFileSync, cpSync, readFileSync } from 'node:fs'
import { enterLab } from './inside.ts'
await enterLab()
const { openLab } = await import('./lab.ts')
const app = '/root/scratch/smoke/app'
const stop = new AbortController()
const t0 = performance.now()
const say = (...a: unknown[]) => console.log(((performance.now() - t0) / 1000).toFixed(2), ...a)
await using lab = await openLab({ nodes: 3, app, onReset: e => say('RESET', JSON.stringify(e)), resetBootDelayMs: 3000 }, stop.signal)
say('up')
const members = JSON.stringify({ members: [1, 2, 3].map(k => ({ node: `n${k}`, addresses: [`10.99.0.1${k}`, `10.98.0.1${k}`] })) })
const start = async (n: any) => {
  await lab.sh(n, `modprobe softdog soft_margin=5; mkdir -p /etc/hawser; ls -la /dev/watchdog* ; cat > /etc/hawser/members.json <<'X'
${members}
X
head -c 32 /dev/zero | tr '\\0' k > /etc/hawser/key
(setsid bash -c 'while :; do node --max-semi-space-size=1 /app/agent.mjs --node ${n} --members /etc/hawser/members.json --api none --watchdog /dev/watchdog1 --helper /app/fence-peer --holder /app/watchdog-holder >> /run/agent.log 2>&1; echo "exit $?" >> /run/agent.log; sleep 0.3; done' >/dev/null 2>&1 </dev/null &)`)
}
for (const n of lab.nodes) await start(n)
const st = async (n: any) => { const r = await lab.exec(n, 'node /app/hawser.mjs status'); console.log(r.stdout + r.stderr) }
await new Promise(r => setTimeout(r, 6000))
say('status'); await st('n1'); await st('n2')
await lab.setupResource({ resource: 'r0', nodes: ['n1', 'n2'], handler: '/var/lib/hawser/bin/fence-peer' })
say('resource'); await lab.promote('n1', 'r0'); await st('n1')
console.log(await lab.sh('n1', 'cat /run/agent.log | cut -c1-300; for p in $(pgrep -f [a]gent.mjs) $(pgrep hawser-hold); do grep -E "Name|VmRSS" /proc/$p/status; done'))
if (process.argv[2] === 'power') {
  say('CUT'); await lab.powerCut('n1')
  await new Promise(r => setTimeout(r, 12000)); await st('n2'); await st('n3')
  console.log(await lab.sh('n2', 'time drbdadm primary r0 2>&1; cat /proc/drbd'))
}
if (process.argv[2] === 'kill') {
  say('KILL'); await lab.sh('n1', 'pkill -9 -f [a]gent.mjs')
  await new Promise(r => setTimeout(r, 4000)); await st('n2'); await st('n1')
  say('STOP'); await lab.sh('n1', 'pkill -f [w]hile ; pkill -TERM -f [a]gent.mjs; sleep 3; tail -3 /run/agent.log | cut -c1-200; pgrep hawser-hold')
  await new Promise(r => setTimeout(r, 9000)); await st('n2')
}
if (process.argv[2] === 'isolate') {
  say('ISOLATE'); await lab.cut('n1', 'mgmt'); await lab.cut('n1', 'repl')
  for (let i = 0; i < 12; i++) { await new Promise(r => setTimeout(r, 1000)); const r = await lab.exec('n1', 'cat /proc/sys/kernel/random/boot_id; cat /proc/drbd | grep 0:', {deadlineMs: 900}).catch(e => ({ stdout: String(e.message) })); say(r.stdout.trim()) }
  await st('n2')
  say('HEAL'); await lab.heal('n1', 'mgmt'); await lab.heal('n1', 'repl'); await new Promise(r => setTimeout(r, 4000)); await start('n1'); await new Promise(r => setTimeout(r, 4000)); await st('n2'); await st('n1')
}
