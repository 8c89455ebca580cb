/** The kernel lab: nodes with the real DRBD 8.4 on this machine. Opened here, closed by disposal. */
import { mkdirSync } from 'node:fs'
import { AppError } from '#kit/errors.ts'
import { type ExecOptions, type ExecResult, execIn, readFileIn, writeFileIn } from './exec-client.ts'
import { type BootOptions, Guests } from './guests.ts'
import { isInsideLab, ownerPid } from './inside.ts'
import type { CuttableNet, LabNode } from './layout.ts'
import { cutCable, cutPair, healCable, healPair, openNetwork } from './network.ts'
import { type LabOptions, labConfig } from './options.ts'
import { clearStateDir, newStateDir } from './state-dir.ts'
import {
  bringUpResources,
  demote,
  promote,
  type Resource,
  type ResourceSpec,
  setupResource,
} from './storage.ts'

export class Lab implements AsyncDisposable {
  readonly nodes: readonly LabNode[]
  readonly stateDir: string
  readonly guests: Guests
  readonly #keepsState: boolean
  readonly #resources = new Map<string, ResourceSpec>()
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

  get events(): Guests['events'] {
    return this.guests.events
  }

  async boot(nodes: readonly LabNode[] = this.nodes, options: BootOptions = {}): Promise<void> {
    await Promise.all(nodes.map(node => this.guests.boot(node, options)))
  }

  /** Runs a shell script in a guest; any exit status is a result. */
  async exec(node: LabNode, script: string, options: ExecOptions = {}): Promise<ExecResult> {
    const life = this.guests.life(node)
    return await execIn(node, script, {
      ...options,
      signal: options.signal ? AbortSignal.any([options.signal, life]) : life,
    })
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
        throw new AppError('DEADLINE_PASSED', 'a guest never showed what was waited for', {
          node,
          script: script.slice(0, 200),
          pattern: String(pattern),
          last: stdout.slice(-500),
        })
      }
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  async readFile(node: LabNode, file: string): Promise<Buffer> {
    return await readFileIn(node, file)
  }

  async writeFile(node: LabNode, file: string, content: string | Buffer, mode?: number): Promise<void> {
    await writeFileIn(node, file, content, mode)
  }

  async powerCut(...nodes: readonly LabNode[]): Promise<void> {
    await Promise.all(nodes.map(node => this.guests.powerCut(node)))
  }

  async halt(node: LabNode): Promise<void> {
    await this.guests.halt(node)
  }

  freeze(node: LabNode): void {
    this.guests.process(node).freeze()
  }

  thaw(node: LabNode): void {
    this.guests.process(node).thaw()
  }

  async cut(node: LabNode, net: CuttableNet): Promise<void> {
    await cutCable(node, net)
  }

  async heal(node: LabNode, net: CuttableNet): Promise<void> {
    await healCable(node, net)
  }

  async cutLink(a: LabNode, b: LabNode, net: CuttableNet = 'repl'): Promise<void> {
    await cutPair(a, b, net)
  }

  async healLink(a: LabNode, b: LabNode, net: CuttableNet = 'repl'): Promise<void> {
    await healPair(a, b, net)
  }

  async setupResource(spec: ResourceSpec): Promise<Resource> {
    this.#resources.set(spec.resource, spec)
    return await setupResource(this, spec)
  }

  async bringUpAgain(node: LabNode): Promise<void> {
    await bringUpResources(this, node, [...this.#resources.values()])
  }

  async promote(node: LabNode, resource: string, deadlineMs = 30_000): Promise<void> {
    await promote(this, node, this.resource(resource), deadlineMs)
  }

  async demote(node: LabNode, resource: string): Promise<void> {
    await demote(this, node, this.resource(resource))
  }

  resource(name: string): ResourceSpec {
    const spec = this.#resources.get(name)
    if (!spec) throw new AppError('ARGUMENT_INVALID', 'no such resource was set up', { resource: name })
    return spec
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.guests.closeAll()
    if (!this.#keepsState) clearStateDir(this.stateDir)
  }
}

/** Makes the network and, unless `boot: false`, boots all nodes. The caller lives inside (see enterLab). */
export async function openLab(
  options: LabOptions & { readonly boot?: boolean },
  signal: AbortSignal,
): Promise<Lab> {
  if (!isInsideLab())
    throw new AppError('LAB_FAILED', 'a lab lives in its own namespaces: call enterLab() first')
  const lab = new Lab(options, signal)
  try {
    await openNetwork(lab.nodes)
    if (options.boot !== false) await lab.boot()
    return lab
  } catch (error) {
    await lab[Symbol.asyncDispose]()
    throw error
  }
}
