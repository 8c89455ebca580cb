/** The lab's commands for a terminal: each is one method of the lab. */
import { AppError } from '#kit/errors.ts'
import type { DiskFault } from './faults-disk.ts'
import type { NetShape } from './faults-net.ts'
import type { Lab } from './lab.ts'
import { type CuttableNet, isCuttableNet, type LabNode, labNode } from './layout.ts'
import { usageLines } from './usage.ts'

export interface CommandIo {
  out(text: string): void
  err(text: string): void
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal
}

export interface Command {
  readonly usage: string
  readonly says: string
  /** Resolves with the exit status; anything but a number means 0. */
  run(lab: Lab, args: readonly string[], io: CommandIo): Promise<unknown>
}

function need(args: readonly string[], index: number, what: string): string {
  const value = args[index]
  if (value === undefined) throw new AppError('ARGUMENT_INVALID', 'an argument is missing', { what })
  return value
}

function numberAt(args: readonly string[], index: number, what: string): number {
  const value = Number(need(args, index, what))
  if (!Number.isFinite(value)) throw new AppError('ARGUMENT_INVALID', 'an argument is not a number', { what })
  return value
}

function nodeAt(args: readonly string[], index: number): LabNode {
  return labNode(need(args, index, 'NODE'))
}

function netAt(args: readonly string[], index: number): CuttableNet {
  const net = need(args, index, 'NET')
  if (isCuttableNet(net)) return net
  throw new AppError('ARGUMENT_INVALID', 'a network that can be cut is mgmt or repl', { given: net })
}

/** delay=50 jitter=5 loss=1 duplicate=1 reorder=25 */
function shapeOf(args: readonly string[]): NetShape {
  const names: Readonly<Record<string, keyof NetShape>> = {
    delay: 'delayMs',
    jitter: 'jitterMs',
    loss: 'lossPercent',
    duplicate: 'duplicatePercent',
    reorder: 'reorderPercent',
  }
  return Object.fromEntries(
    args.map(arg => {
      const [word = '', value] = arg.split('=')
      const name = names[word]
      if (name === undefined || value === undefined || !(Number(value) >= 0)) {
        throw new AppError('ARGUMENT_INVALID', 'not one of delay=MS jitter=MS loss=% duplicate=% reorder=%', {
          given: arg,
        })
      }
      return [name, Number(value)]
    }),
  )
}

function diskFaultOf(args: readonly string[]): DiskFault {
  const kind = need(args, 0, 'error | flaky UP_S DOWN_S | bad-blocks N… | slow MS | hang')
  switch (kind) {
    case 'error':
    case 'hang':
      return { kind }
    case 'flaky':
      return { kind, upS: numberAt(args, 1, 'UP_S'), downS: numberAt(args, 2, 'DOWN_S') }
    case 'bad-blocks':
      return { kind, blocks: args.slice(1).map((_, index) => numberAt(args, index + 1, 'block')) }
    case 'slow':
      return { kind, delayMs: numberAt(args, 1, 'MS') }
    default:
      throw new AppError('ARGUMENT_INVALID', 'no such disk fault', { given: kind })
  }
}

async function setUp(lab: Lab, args: readonly string[]): Promise<void> {
  const nodes = [labNode(args[1] ?? 'n1'), labNode(args[2] ?? 'n2')] as const
  const sizeMiB = args[3] === undefined ? {} : { sizeMiB: numberAt(args, 3, 'MIB') }
  await lab.setupResource({ resource: need(args, 0, 'RESOURCE'), nodes, ...sizeMiB })
}

async function execute(lab: Lab, args: readonly string[], io: CommandIo): Promise<number> {
  const result = await lab.exec(nodeAt(args, 0), args.slice(1).join(' '), {
    deadlineMs: 24 * 3600_000,
    signal: io.signal,
    onOutput: (stream, text) => (stream === 'stdout' ? io.out(text) : io.err(text)),
  })
  return result.status
}

function pidsLine(io: CommandIo, pids: readonly number[]): number {
  io.out(pids.length === 0 ? 'no such process\n' : `${pids.join(' ')}\n`)
  return pids.length === 0 ? 1 : 0
}

function patternAt(args: readonly string[]): RegExp {
  return new RegExp(args.slice(1).join(' ') || need(args, 1, 'PATTERN'))
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  boot: {
    usage: 'boot NODE… [without-drbd]',
    says: 'start guests; their disks are as they were left',
    async run(lab, args) {
      const withoutDrbd = args.includes('without-drbd')
      await lab.boot(args.filter(arg => arg !== 'without-drbd').map(labNode), { withoutDrbd })
    },
  },
  exec: {
    usage: 'exec NODE COMMAND',
    says: 'run a shell command in a guest; its status is passed on',
    run: execute,
  },
  'power-cut': {
    usage: 'power-cut NODE…',
    says: 'every process of the guest ends at once',
    run: (lab, args) => lab.powerCut(...args.map(labNode)),
  },
  halt: { usage: 'halt NODE', says: 'orderly power-off', run: (lab, args) => lab.halt(nodeAt(args, 0)) },
  reset: {
    usage: 'reset NODE',
    says: 'the node resets itself (sysrq-b) and is booted again',
    run: (lab, args) => lab.reset(nodeAt(args, 0)),
  },
  'starve-watchdog': {
    usage: 'starve-watchdog NODE SECONDS',
    says: 'load softdog, open it, do not feed it',
    run: (lab, args) => lab.starveWatchdog(nodeAt(args, 0), numberAt(args, 1, 'SECONDS')),
  },
  freeze: {
    usage: 'freeze NODE',
    says: 'stop a guest in its tracks',
    run: async (lab, args) => lab.freeze(nodeAt(args, 0)),
  },
  thaw: { usage: 'thaw NODE', says: 'let it go on', run: async (lab, args) => lab.thaw(nodeAt(args, 0)) },
  cut: {
    usage: 'cut NODE mgmt|repl',
    says: 'unplug one cable',
    run: (lab, args) => lab.cut(nodeAt(args, 0), netAt(args, 1)),
  },
  heal: {
    usage: 'heal NODE mgmt|repl',
    says: 'plug it in again',
    run: (lab, args) => lab.heal(nodeAt(args, 0), netAt(args, 1)),
  },
  'cut-link': {
    usage: 'cut-link NODE NODE mgmt|repl',
    says: 'between these two only',
    run: (lab, args) => lab.cutLink(nodeAt(args, 0), nodeAt(args, 1), netAt(args, 2)),
  },
  'heal-link': {
    usage: 'heal-link NODE NODE mgmt|repl',
    says: '',
    run: (lab, args) => lab.healLink(nodeAt(args, 0), nodeAt(args, 1), netAt(args, 2)),
  },
  shape: {
    usage: 'shape NODE mgmt|repl [delay=MS] [jitter=MS] [loss=%] [duplicate=%] [reorder=%]',
    says: 'netem, each way',
    run: (lab, args) => lab.shapeNet(nodeAt(args, 0), netAt(args, 1), shapeOf(args.slice(2))),
  },
  unshape: {
    usage: 'unshape NODE mgmt|repl',
    says: '',
    run: (lab, args) => lab.unshapeNet(nodeAt(args, 0), netAt(args, 1)),
  },
  resource: {
    usage: 'resource rK [NODE NODE [MIB]]',
    says: 'a replicated volume with a file system',
    run: setUp,
  },
  'bring-up': {
    usage: 'bring-up NODE',
    says: 'its resources again, after a boot',
    run: (lab, args) => lab.bringUpAgain(nodeAt(args, 0)),
  },
  promote: {
    usage: 'promote NODE rK',
    says: 'primary, mounted at /mnt/rK',
    run: (lab, args) => lab.promote(nodeAt(args, 0), need(args, 1, 'RESOURCE')),
  },
  demote: {
    usage: 'demote NODE rK',
    says: '',
    run: (lab, args) => lab.demote(nodeAt(args, 0), need(args, 1, 'RESOURCE')),
  },
  'break-disk': {
    usage: 'break-disk NODE rK error | flaky UP_S DOWN_S | bad-blocks N… | slow MS | hang',
    says: 'the disk below a resource',
    run: (lab, args) => lab.breakDisk(nodeAt(args, 0), need(args, 1, 'RESOURCE'), diskFaultOf(args.slice(2))),
  },
  'mend-disk': {
    usage: 'mend-disk NODE rK',
    says: '',
    run: (lab, args) => lab.mendDisk(nodeAt(args, 0), need(args, 1, 'RESOURCE')),
  },
  plug: {
    usage: 'plug NODE NUMBER [SIZE]',
    says: 'a new empty disk (2: /dev/ubdc)',
    async run(lab, args, io) {
      io.out(`${await lab.plugDisk(nodeAt(args, 0), numberAt(args, 1, 'NUMBER'), args[2])}\n`)
    },
  },
  unplug: {
    usage: 'unplug NODE NUMBER',
    says: 'refused while in use',
    run: (lab, args) => lab.unplugDisk(nodeAt(args, 0), numberAt(args, 1, 'NUMBER')),
  },
  'fill-pool': {
    usage: 'fill-pool NODE',
    says: 'the thin pool runs full',
    run: (lab, args) => lab.fillThinPool(nodeAt(args, 0)),
  },
  'empty-pool': {
    usage: 'empty-pool NODE',
    says: '',
    run: (lab, args) => lab.emptyThinPool(nodeAt(args, 0)),
  },
  'kill-process': {
    usage: 'kill-process NODE PATTERN',
    says: '',
    run: async (lab, args, io) => pidsLine(io, await lab.killProcess(nodeAt(args, 0), patternAt(args))),
  },
  'stop-process': {
    usage: 'stop-process NODE PATTERN',
    says: '',
    run: async (lab, args, io) => pidsLine(io, await lab.stopProcess(nodeAt(args, 0), patternAt(args))),
  },
  'cont-process': {
    usage: 'cont-process NODE PATTERN',
    says: '',
    run: async (lab, args, io) => pidsLine(io, await lab.contProcess(nodeAt(args, 0), patternAt(args))),
  },
  'clock-jump': {
    usage: 'clock-jump NODE SECONDS',
    says: 'the wall clock',
    run: (lab, args) => lab.clockJump(nodeAt(args, 0), numberAt(args, 1, 'SECONDS')),
  },
  'hang-drbdsetup': {
    usage: 'hang-drbdsetup NODE',
    says: 'it never answers',
    run: (lab, args) => lab.hungDrbdsetup(nodeAt(args, 0)),
  },
  'unhang-drbdsetup': {
    usage: 'unhang-drbdsetup NODE',
    says: '',
    run: (lab, args) => lab.unhungDrbdsetup(nodeAt(args, 0)),
  },
  ps: {
    usage: 'ps',
    says: 'guests, their memory and processor time',
    run: async (lab, _args, io) => io.out(`${usageLines(lab).join('\n')}\n`),
  },
}
