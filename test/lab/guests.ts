/** The guests of a lab: boot, wait until they answer, notice how they end, boot those again that reset themselves. */
import { EventEmitter } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '#kit/errors.ts'
import { announcesReset, BOOT_LINE, lastLines, lastWord, whyEnded } from './console.ts'
import { copyDisk, makeEmptyDisk, makeStateDisk } from './disks.ts'
import { execIn, pingGuest } from './exec-client.ts'
import { type GuestFiles, prepareGuestFiles } from './guest-files.ts'
import { type GuestEnd, type GuestProcess, type GuestSpec, startGuest } from './guest-process.ts'
import type { LabNode } from './layout.ts'
import type { LabConfig, ResetEvent } from './options.ts'

export interface BootOptions {
  /** The module drbd is neither loaded nor loadable. */
  readonly withoutDrbd?: boolean
  readonly settings?: Readonly<Record<string, string>>
  readonly deadlineMs?: number
}

export interface LabEvents {
  up: [{ readonly node: LabNode; readonly bootId: string; readonly atMs: number }]
  down: [{ readonly node: LabNode; readonly end: GuestEnd; readonly atMs: number }]
  reset: [ResetEvent]
  /** A guest that could not be booted again after its reset. */
  failed: [{ readonly node: LabNode; readonly error: unknown }]
}

interface Slot {
  readonly process: GuestProcess
  /** Aborted when this boot of the guest is over: ends all calls into it. */
  readonly life: AbortController
  bootId: string | undefined
}

/** ubdh: a fixed name, whatever disks there are besides. */
const STATE_DISK = 7
const BOOT_DEADLINE_MS = 90_000
/** A console that announced a reset and a process that still runs after this: it hangs in its reset. */
const RESET_HANG_MS = 3_000

export class Guests {
  readonly events = new EventEmitter<LabEvents>()
  readonly #config: LabConfig
  readonly #stateDir: string
  readonly #files: GuestFiles
  readonly #signal: AbortSignal
  readonly #slots = new Map<LabNode, Slot>()
  readonly #lastBoot = new Map<LabNode, BootOptions>()
  readonly #plugged = new Map<LabNode, Map<number, string>>()

  constructor(config: LabConfig, stateDir: string, signal: AbortSignal) {
    this.#config = config
    this.#stateDir = stateDir
    this.#signal = signal
    this.#files = prepareGuestFiles(stateDir, config)
  }

  folder(node: LabNode): string {
    if (!this.#config.nodeNames.includes(node))
      throw new AppError('ARGUMENT_INVALID', 'this lab has no such node', { node })
    return path.join(this.#stateDir, node)
  }

  consoleLog(node: LabNode): string {
    return path.join(this.folder(node), 'console.log')
  }

  mconsoleSocket(node: LabNode): string {
    return path.join(this.folder(node), 'uml', node, 'mconsole')
  }

  isRunning(node: LabNode): boolean {
    return this.#slots.get(node)?.process.hasEnded() === false
  }

  /** The signal that ends with this boot of the guest. */
  life(node: LabNode): AbortSignal {
    return this.#slot(node).life.signal
  }

  process(node: LabNode): GuestProcess {
    return this.#slot(node).process
  }

  bootId(node: LabNode): string | undefined {
    return this.#slots.get(node)?.bootId
  }

  async boot(node: LabNode, options: BootOptions = {}): Promise<void> {
    if (this.isRunning(node)) throw new AppError('LAB_FAILED', 'the guest is running already', { node })
    this.#signal.throwIfAborted()
    this.#lastBoot.set(node, options)
    const disks = await this.#ensureDisks(node)
    const { withoutDrbd = false, settings = {} } = options
    this.#files.writeBoot(node, { ...(withoutDrbd ? { lab_no_drbd: '1' } : {}), ...settings })
    const umlDir = path.join(this.folder(node), 'uml')
    rmSync(umlDir, { recursive: true, force: true })
    mkdirSync(umlDir)
    const consoleLog = this.consoleLog(node)
    appendFileSync(consoleLog, `${BOOT_LINE} ${new Date().toISOString()}\n`)
    const { memory, kernelArgs } = this.#config
    const { guestDir, resetProgram } = this.#files
    // Once more, right before the start: the lab may have been closed while the disks were made.
    this.#signal.throwIfAborted()
    const slot = this.#start({ node, memory, guestDir, resetProgram, umlDir, consoleLog, disks, kernelArgs })
    await this.#waitUp(node, slot, options.deadlineMs ?? BOOT_DEADLINE_MS)
  }

  /** Remembered, so that a disk plugged in while the guest runs is there at its next boot too. */
  notePlugged(node: LabNode, index: number, file: string | undefined): void {
    const plugged = this.#plugged.get(node) ?? new Map<number, string>()
    if (file === undefined) plugged.delete(index)
    else plugged.set(index, file)
    this.#plugged.set(node, plugged)
  }

  async powerCut(node: LabNode): Promise<void> {
    await this.#slots.get(node)?.process.kill()
  }

  async halt(node: LabNode, deadlineMs = 30_000): Promise<void> {
    const { process } = this.#slot(node)
    await execIn(node, 'sync; (sleep 0.2; poweroff -f) >/dev/null 2>&1 &', { signal: this.life(node) })
    const timer = new AbortController()
    const late = sleep(deadlineMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const)
    const end = await Promise.race([process.ended, late])
    timer.abort()
    if (end === 'late') {
      await process.kill()
      throw new AppError('DEADLINE_PASSED', 'a guest did not power itself off', { node, deadlineMs })
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#slots.values()].map(slot => slot.process.kill()))
  }

  #slot(node: LabNode): Slot {
    const slot = this.#slots.get(node)
    if (!slot || slot.process.hasEnded())
      throw new AppError('LAB_FAILED', 'the guest is not running', { node })
    return slot
  }

  async #ensureDisks(node: LabNode): Promise<Map<number, string>> {
    const folder = this.folder(node)
    mkdirSync(folder, { recursive: true })
    const disks = new Map<number, string>()
    const add = async (index: number, make: (file: string) => unknown): Promise<void> => {
      const file = path.join(folder, `disk${index}`)
      if (!existsSync(file)) await make(file)
      disks.set(index, file)
    }
    for (let index = 0; index < this.#config.disks; index++) {
      await add(index, file => makeEmptyDisk(file, this.#config.diskSize))
    }
    for (const [index, image] of this.#config.images.entries()) {
      await add(this.#config.disks + index, file => copyDisk(image, file))
    }
    await add(STATE_DISK, makeStateDisk)
    for (const [index, file] of this.#plugged.get(node) ?? []) disks.set(index, file)
    return disks
  }

  #start(spec: GuestSpec): Slot {
    const slot: Slot = { process: startGuest(spec), life: new AbortController(), bootId: undefined }
    this.#slots.set(spec.node, slot)
    const watch = setInterval(() => {
      if (this.#noticeHangingReset(spec.node, slot)) clearInterval(watch)
    }, 1_000)
    slot.process.ended.then(
      end => {
        clearInterval(watch)
        slot.life.abort(new AppError('LAB_FAILED', 'the guest ended', { node: spec.node, end: end.kind }))
        this.#ended(spec.node, end)
      },
      (error: unknown) => this.events.emit('failed', { node: spec.node, error }),
    )
    return slot
  }

  #noticeHangingReset(node: LabNode, slot: Slot): boolean {
    const lines = lastLines(this.consoleLog(node), 40)
    if (!announcesReset(lines)) return false
    const why = whyEnded(lines)
    setTimeout(() => {
      if (!slot.process.hasEnded()) void slot.process.killAsReset(why)
    }, RESET_HANG_MS)
    return true
  }

  #ended(node: LabNode, end: GuestEnd): void {
    this.events.emit('down', { node, end, atMs: performance.now() })
    if (end.kind !== 'reset') return
    const event: ResetEvent = { node, why: end.why, atMs: performance.now() }
    this.#config.onReset(event)
    this.events.emit('reset', event)
    if (this.#config.rebootOnReset && !this.#signal.aborted) void this.#bootAgain(node)
  }

  async #bootAgain(node: LabNode): Promise<void> {
    try {
      await sleep(this.#config.resetBootDelayMs, undefined, { signal: this.#signal })
      if (!this.isRunning(node)) await this.boot(node, this.#lastBoot.get(node))
    } catch (error) {
      if (!this.#signal.aborted) this.events.emit('failed', { node, error })
    }
  }

  async #waitUp(node: LabNode, slot: Slot, deadlineMs: number): Promise<void> {
    const until = performance.now() + deadlineMs
    while (performance.now() < until) {
      this.#signal.throwIfAborted()
      if (slot.process.hasEnded()) throw this.failure(node, 'a guest ended while it booted')
      try {
        const { bootId } = await pingGuest(node, slot.life.signal)
        slot.bootId = bootId
        this.events.emit('up', { node, bootId, atMs: performance.now() })
        return
      } catch {
        await sleep(50)
      }
    }
    const failure = this.failure(node, 'a guest did not answer in time')
    await slot.process.kill()
    throw failure
  }

  /** One line for a person: what, the console's last line, and where the rest stands. */
  failure(node: LabNode, message: string): AppError {
    const log = this.consoleLog(node)
    return new AppError('LAB_FAILED', message, { node, console: lastWord(lastLines(log)), log })
  }
}
