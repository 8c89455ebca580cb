/** A small world of agents: real reducers and deciders, with a network, clocks, disks and watchdog devices that the test can break. */
import type { BootId, NodeName } from '#kit/brand.ts'
import type { Effect } from '../../../agent/decide/effects.ts'
import { makePlan } from '../../../agent/decide/plan.ts'
import type { Policy } from '../../../agent/decide/policy.ts'
import type { NodeEvent } from '../../../agent/state/events.ts'
import { type Members, majority } from '../../../agent/state/mesh-model.ts'
import { emptyState, type NodeState, reduce } from '../../../agent/state/node-state.ts'
import type { Ack, Beat } from '../../../agent/wire/mesh-types.ts'
import { bootOf, HASH_A, HASH_B, type Machine, newMachine, nodeName, save } from './machine.ts'
import { type Fault, type Plot, SIM_POLICY, STEP_MS } from './plots.ts'
import { randomFrom } from './random.ts'

interface Datagram {
  readonly at: number
  readonly from: Machine
  readonly to: Machine
  readonly message: Beat | Ack
}

export interface Outcome {
  /** What must never happen, in words. */
  readonly violations: readonly string[]
  /** Each verdict with the true time since the boot ended. */
  readonly verdicts: readonly {
    readonly by: NodeName
    readonly boot: BootId
    readonly reason: string
    readonly atMs: number
  }[]
  readonly resets: number
  readonly feeds: number
  readonly disarms: number
  readonly state: (node: number) => NodeState | undefined
}

export function simulate(plot: Plot, policy = SIM_POLICY): Outcome {
  return new World(plot, policy).run()
}

class World {
  private now = 1000
  private readonly machines: Machine[]
  private flying: Datagram[] = []
  private readonly cuts = new Set<string>()
  private readonly over = new Set<BootId>()
  private readonly known = new Set<string>()
  private nonces = 0
  private readonly random: () => number
  private readonly later: { readonly at: number; readonly run: () => void }[] = []
  private readonly violations: string[] = []
  private readonly verdicts: Outcome['verdicts'][number][] = []
  private counts = { resets: 0, feeds: 0, disarms: 0 }

  private readonly plot: Plot
  private readonly policy: Policy

  constructor(plot: Plot, policy: Policy) {
    this.plot = plot
    this.policy = policy
    this.random = randomFrom(plot.seed)
    this.machines = Array.from({ length: plot.nodes }, (_, index) => newMachine(plot, index))
  }

  run(): Outcome {
    for (const machine of this.machines) this.powerOn(machine)
    for (const { atMs, fault } of this.plot.faults) this.after(atMs, () => this.breakIt(fault))
    const end = this.now + this.plot.lengthMs
    while (this.now < end) {
      this.now += STEP_MS
      this.runLater()
      this.deliver()
      for (const machine of this.machines) this.stepMachine(machine)
    }
    return {
      violations: this.violations,
      verdicts: this.verdicts,
      ...this.counts,
      state: index => this.machines[index]?.state,
    }
  }

  private after(ms: number, run: () => void): void {
    this.later.push({ at: this.now + ms, run })
  }

  private runLater(): void {
    const due = this.later.filter(({ at }) => at <= this.now).sort((left, right) => left.at - right.at)
    for (const one of due) this.later.splice(this.later.indexOf(one), 1)
    for (const { run } of due) run()
  }

  private clockOf(machine: Machine): number {
    return this.now * machine.rate
  }

  private powerOn(machine: Machine): void {
    if (machine.boot !== undefined) return
    machine.boots += 1
    machine.boot = bootOf(this.machines.indexOf(machine), machine.boots)
    machine.resetAt = undefined
    machine.frozenUntil = 0
    machine.stuckFeed = undefined
    machine.freezeInFeed = undefined
    this.startAgent(machine)
  }

  private powerOff(machine: Machine, backAfterMs: number): void {
    if (machine.boot === undefined) return
    this.over.add(machine.boot)
    machine.boot = undefined
    machine.state = undefined
    machine.resetAt = undefined
    this.after(backAfterMs, () => this.powerOn(machine))
  }

  private startAgent(machine: Machine): void {
    const { boot } = machine
    if (boot === undefined || machine.state !== undefined) return
    machine.frozenUntil = 0
    const { watchdogMs } = this.policy.lease
    machine.state = emptyState({
      self: machine.name,
      life: { bootId: boot, incarnation: Math.round(this.now * 1000) },
      startedAt: this.clockOf(machine),
      resetMs: 2 * watchdogMs,
    })
    machine.inbox = []
    machine.seq = 0
    machine.wakeAt = 0
    machine.grants = new Map()
    const events: NodeEvent[] = [{ kind: 'peers-loaded', peers: [...machine.disk.peers.values()] }]
    if (machine.disk.promise !== undefined)
      events.push({ kind: 'promise-saved', promise: machine.disk.promise })
    events.push({ kind: 'members-set', members: this.members(machine.hash) })
    for (const event of events) machine.state = reduce(machine.state, event)
  }

  private members(hash: string): Members {
    return { list: this.machines.map(({ name }) => ({ node: name, addresses: [name] })), hash }
  }

  /** The kernel closes the device of a process that ends, and feeds it once more, unless another process has it open too. */
  private endAgent(machine: Machine): void {
    if (machine.state === undefined) return
    const open = machine.state.watchdog.device === 'open'
    machine.state = undefined
    machine.stuckFeed = undefined
    machine.freezeInFeed = undefined
    if (open && !machine.held && machine.resetAt !== undefined) this.ping(machine)
  }

  private ping(machine: Machine): void {
    machine.resetAt = this.now + this.policy.lease.watchdogMs / machine.deviceRate
  }

  private breakIt(fault: Fault): void {
    switch (fault.kind) {
      case 'heal':
        this.cuts.clear()
        return
      case 'cut':
        this.cuts.add(`${nodeName(fault.from)} ${nodeName(fault.to)}`)
        return
      case 'isolate':
        for (const { name } of this.machines) {
          this.cuts.add(`${name} ${nodeName(fault.node)}`)
          this.cuts.add(`${nodeName(fault.node)} ${name}`)
        }
        return
      default:
    }
    const machine = this.machines[fault.node]
    if (machine?.boot === undefined) return
    switch (fault.kind) {
      case 'power':
        this.powerOff(machine, fault.backAfterMs)
        return
      case 'freeze':
        if (fault.inFeed) machine.freezeInFeed = fault.forMs
        else machine.frozenUntil = this.now + fault.forMs
        return
      case 'stop':
        machine.inbox.push({ kind: 'stop-asked' })
        this.after(1500, () => this.endAgent(machine))
        this.after(1500 + fault.backAfterMs, () => this.startAgent(machine))
        return
      case 'kill':
        this.endAgent(machine)
        this.after(fault.backAfterMs, () => this.startAgent(machine))
        return
      case 'reconfigure':
        this.endAgent(machine)
        machine.hash = machine.hash === HASH_A ? HASH_B : HASH_A
        this.after(fault.backAfterMs, () => this.startAgent(machine))
        return
      default:
    }
  }

  private deliver(): void {
    const arrived = this.flying.filter(({ at }) => at <= this.now).sort((left, right) => left.at - right.at)
    if (arrived.length === 0) return
    this.flying = this.flying.filter(({ at }) => at > this.now)
    for (const { to, from, message } of arrived) {
      if (to.state === undefined) continue
      const at = this.clockOf(to)
      if (message.kind === 'beat') to.inbox.push({ kind: 'beat-heard', beat: message, via: from.name, at })
      else to.inbox.push({ kind: 'ack-heard', ack: message, at })
    }
  }

  private send(from: Machine, to: string, message: Beat | Ack): void {
    const target = this.machines.find(({ name }) => name === to)
    if (target === undefined || this.cuts.has(`${from.name} ${to}`)) return
    const copies = this.random() < 0.05 ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      if (this.random() * 100 < this.plot.lossPercent) continue
      const most = this.random() < 0.1 ? this.plot.slowestMs : 20
      this.flying.push({ at: this.now + this.random() * most, from, to: target, message })
    }
  }

  private stepMachine(machine: Machine): void {
    if (machine.resetAt !== undefined && this.now >= machine.resetAt) {
      this.counts.resets += 1
      this.powerOff(machine, 1000 + this.random() * 2000)
      return
    }
    if (machine.state === undefined || this.now < machine.frozenUntil) return
    if (machine.stuckFeed !== undefined) {
      const feed = machine.stuckFeed
      machine.stuckFeed = undefined
      this.feed(machine, feed)
    }
    const now = this.clockOf(machine)
    if (machine.inbox.length > 0 || now >= machine.wakeAt) this.turn(machine, now)
  }

  private turn(machine: Machine, now: number): void {
    const batch = machine.inbox
    machine.inbox = []
    for (const event of batch) if (event.kind === 'ack-heard') this.noteGrant(machine, event.ack)
    let state = reduce(machine.state as NodeState, { kind: 'turn', at: now })
    for (const event of batch) state = reduce(state, event)
    machine.state = state
    this.checkVerdicts(machine, state)
    const plan = makePlan(state, this.policy, now)
    machine.state = reduce(state, { kind: 'decided', at: now, decisions: plan.decisions })
    machine.wakeAt = plan.wakeAt
    for (const effect of plan.effects) {
      this.carryOut(machine, effect)
      if (machine.state === undefined || this.now < machine.frozenUntil) return
    }
    if (plan.mayStop) this.endAgent(machine)
  }

  private carryOut(machine: Machine, effect: Effect): void {
    switch (effect.kind) {
      case 'reboot':
        this.counts.resets += 1
        this.powerOff(machine, 1000 + this.random() * 2000)
        return
      case 'save-life':
        save(machine, effect.node, { life: effect.life })
        machine.inbox.push({ kind: 'life-saved', node: effect.node, life: effect.life })
        return
      case 'condemn': {
        const { node, bootId, by } = effect
        this.check(machine, bootId, by)
        save(machine, node, { condemned: { bootId, by } })
        machine.inbox.push({ kind: 'condemned', node, bootId, by, at: this.clockOf(machine) })
        return
      }
      case 'save-promise':
        machine.disk.promise = effect.promise
        machine.inbox.push({ kind: 'promise-saved', promise: effect.promise })
        return
      case 'clear-promise':
        machine.disk.promise = undefined
        machine.inbox.push({ kind: 'promise-cleared' })
        return
      case 'open-watchdog':
      case 'feed':
        if (machine.freezeInFeed !== undefined) {
          machine.frozenUntil = this.now + machine.freezeInFeed
          machine.freezeInFeed = undefined
          machine.stuckFeed = effect
          return
        }
        this.checkEarned(machine)
        this.feed(machine, effect)
        return
      case 'disarm':
        this.counts.disarms += 1
        machine.resetAt = undefined
        machine.inbox.push({ kind: 'watchdog-disarmed' })
        return
      case 'send-beat':
        this.sendBeat(machine, effect)
        return
      case 'send-ack':
        this.send(machine, effect.via, effect.ack)
        return
      default:
    }
  }

  private feed(machine: Machine, effect: Effect): void {
    if (effect.kind !== 'feed' && effect.kind !== 'open-watchdog') return
    this.ping(machine)
    this.counts.feeds += 1
    const at = this.clockOf(machine)
    const { notAfter } = effect
    const { watchdogMs } = this.policy.lease
    const resetMs = machine.held ? watchdogMs : 2 * watchdogMs
    if (effect.kind === 'feed') machine.inbox.push({ kind: 'watchdog-fed', at, notAfter })
    else machine.inbox.push({ kind: 'watchdog-opened', at, notAfter, resetMs })
  }

  private sendBeat(machine: Machine, { to, beat }: Extract<Effect, { kind: 'send-beat' }>): void {
    this.nonces += 1
    machine.seq += 1
    const nonce = this.nonces.toString(16).padStart(16, '0')
    const at = this.clockOf(machine)
    this.sentAt.set(nonce, at)
    machine.inbox.push({ kind: 'beat-sent', to, nonce, watchdog: beat.watchdog, at })
    this.send(machine, to, { ...beat, nonce, seq: machine.seq })
  }

  private readonly sentAt = new Map<string, number>()

  private noteGrant(machine: Machine, ack: Ack): void {
    const sentAt = this.sentAt.get(ack.nonce)
    if (!ack.granted || sentAt === undefined || ack.yourBootId !== machine.boot) return
    const before = machine.grants.get(ack.from)
    if (before === undefined || sentAt > before) machine.grants.set(ack.from, sentAt)
  }

  /** Feeding never happens without a majority of fresh grants. */
  private checkEarned(machine: Machine): void {
    const oldest = this.clockOf(machine) - this.policy.lease.leaseMs
    const fresh = [...machine.grants.values()].filter(sentAt => sentAt > oldest).length
    if (fresh < majority(this.members(machine.hash)) - 1)
      this.violations.push(`${this.now}: ${machine.name} feeds with ${fresh} fresh grants`)
  }

  /** Also verdicts that a reducer reached, before they are on disk. */
  private checkVerdicts(machine: Machine, state: NodeState): void {
    for (const peer of state.mesh.peers.values())
      for (const { bootId, by } of peer.condemned.values()) this.check(machine, bootId, by)
  }

  private check(machine: Machine, bootId: BootId, by: string): void {
    const key = `${machine.name} ${bootId}`
    if (this.known.has(key)) return
    this.known.add(key)
    this.verdicts.push({ by: machine.name, boot: bootId, reason: by, atMs: this.now })
    if (!this.over.has(bootId))
      this.violations.push(`${this.now}: ${machine.name} holds ${bootId} for over (${by}), and it runs`)
  }
}
