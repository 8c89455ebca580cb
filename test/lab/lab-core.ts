/** The lab without its faults: guests, commands and files in them, and the end. */
import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '#kit/errors.ts'
import { type ExecOptions, type ExecResult, execIn, readFileIn, writeFileIn } from './exec-client.ts'
import { type BootOptions, Guests } from './guests.ts'
import { ownerPid } from './inside.ts'
import type { LabNode } from './layout.ts'
import { type LabOptions, labConfig } from './options.ts'
import { type RunOptions, type RunResult, tryRun } from './run.ts'
import { clearStateDir, newStateDir } from './state-dir.ts'
import type { StorageLab } from './storage.ts'

export class LabCore implements StorageLab, AsyncDisposable {
  readonly nodes: readonly LabNode[]
  readonly stateDir: string
  readonly guests: Guests
  readonly #keepsState: boolean
  readonly #stop = new AbortController()

  constructor(options: LabOptions, signal: AbortSignal) {
    const config = labConfig(options)
    this.nodes = config.nodeNames
    this.#keepsState = config.stateDir !== undefined
    this.stateDir = config.stateDir ?? newStateDir(ownerPid())
    if (/\s/.test(this.stateDir))
      throw new AppError('ARGUMENT_INVALID', 'the state folder cannot have a space in its path', {})
    mkdirSync(this.stateDir, { recursive: true })
    this.guests = new Guests(config, this.stateDir, AbortSignal.any([signal, this.#stop.signal]))
  }

  /** up, down, reset, failed. */
  get events(): Guests['events'] {
    return this.guests.events
  }

  async boot(nodes: readonly LabNode[] = this.nodes, options: BootOptions = {}): Promise<void> {
    await Promise.all(nodes.map(node => this.guests.boot(node, options)))
  }

  /** Resolves when the guest is up again in another boot than `before` (a boot id), however that came about. */
  async nextBoot(node: LabNode, before: string | undefined, deadlineMs = 90_000): Promise<void> {
    const end = performance.now() + deadlineMs
    while (!this.guests.isRunning(node) || [undefined, before].includes(this.guests.bootId(node))) {
      if (performance.now() > end) throw this.guests.failure(node, 'a guest was not booted again in time')
      await sleep(50)
    }
  }

  /** Runs a shell script in a guest; any exit status is a result. */
  async exec(node: LabNode, script: string, options: ExecOptions = {}): Promise<ExecResult> {
    const life = this.guests.life(node)
    const signal = options.signal ? AbortSignal.any([options.signal, life]) : life
    return await execIn(node, script, { ...options, signal })
  }

  /** Runs a shell script in a guest; resolves with its standard output, rejects unless it ends with status 0. */
  async sh(node: LabNode, script: string, options: ExecOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.exec(node, script, options)
    if (status === 0) return stdout
    throw new AppError('PROGRAM_FAILED', 'a command in a guest ended with an error', {
      node,
      script: script.slice(0, 300),
      status,
      stdout: stdout.slice(-500),
      stderr: stderr.slice(-500),
    })
  }

  /** Repeats a script until its output matches. */
  async until(
    node: LabNode,
    script: string,
    pattern: RegExp,
    options: { deadlineMs?: number } = {},
  ): Promise<string> {
    const deadlineMs = options.deadlineMs ?? 30_000
    const end = performance.now() + deadlineMs
    for (;;) {
      const { stdout } = await this.exec(node, script, { deadlineMs })
      if (pattern.test(stdout)) return stdout
      if (performance.now() > end) {
        const fields = {
          node,
          script: script.slice(0, 200),
          pattern: String(pattern),
          last: stdout.slice(-500),
        }
        throw new AppError('DEADLINE_PASSED', 'a guest never showed what was waited for', fields)
      }
      await sleep(100)
    }
  }

  async readFile(node: LabNode, file: string): Promise<Buffer> {
    return await readFileIn(node, file)
  }

  async writeFile(node: LabNode, file: string, content: string | Buffer, mode?: number): Promise<void> {
    await writeFileIn(node, file, content, mode)
  }

  /** Runs a program of this machine in the lab's network, as 10.99.0.1; the lab's processes all live there. */
  async inNet(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
    return await tryRun(argv, options)
  }

  async powerCut(...nodes: readonly LabNode[]): Promise<void> {
    await Promise.all(nodes.map(node => this.guests.powerCut(node)))
  }

  /** Orderly power-off. */
  async halt(node: LabNode): Promise<void> {
    await this.guests.halt(node)
  }

  /** A hung node: its kernel stops in its tracks, its clocks do not. */
  freeze(node: LabNode): void {
    this.guests.process(node).freeze()
  }

  thaw(node: LabNode): void {
    this.guests.process(node).thaw()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.guests.closeAll()
    if (!this.#keepsState) clearStateDir(this.stateDir)
  }
}
