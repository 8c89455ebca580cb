/** A kernel with DRBD, at the byte level: answers netlink requests over socket pairs, and multicasts what a test tells it to. */
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import koffi from 'koffi'
import type { OpenNetlink } from '../../agent/host/nlsocket.ts'
import { CMD, NO_ERROR } from '../../agent/wire/drbd-codes.ts'
import { type DrbdMessage, readDrbdMessage, writeDrbdMessage } from '../../agent/wire/drbd-message.ts'
import type { Blocks } from '../../agent/wire/drbd-tables.ts'
import { type GenlFamily, NLCTRL_NOTIFY_GROUP, writeFamilyReply } from '../../agent/wire/genl.ts'
import {
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER,
  type NlMessage,
  readNlMessages,
  viewOf,
  writeNlMessage,
} from '../../agent/wire/nlmsg.ts'
import { openCarrier } from '../../native/netlink.ts'

const lib = koffi.load('libc.so.6')
const socketpair = lib.func('int socketpair(int, int, int, void *)') as (...args: unknown[]) => number
const dup3 = lib.func('int dup3(int, int, int)') as (...args: number[]) => number
const setsockopt = lib.func('int setsockopt(int, int, int, const void *, uint32_t)') as (
  ...args: unknown[]
) => number
const close = lib.func('int close(int)') as (fd: number) => number

const AF_UNIX = 1
/** Keeps datagrams apart, as netlink does. */
const SOCK_SEQPACKET = 5
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const CLOEXEC = 0o2000000
const GROUP = 5
const ENOENT = 2

interface Wire {
  readonly fd: number
  readonly groups: Set<number>
  readonly socket: Socket
}

export class FakeDrbdKernel {
  /** Undefined: the module is not loaded. */
  family: GenlFamily | undefined
  /** The content of the initial state: each an `exists` without its header. */
  objects: readonly { readonly cmd: number; readonly minor?: number; readonly blocks: Blocks }[] = []
  /** The next dumps say that they were interrupted. */
  interrupts = 0
  /** Requests get no answer. */
  silent = false
  dumps = 0
  /** The result of a command; undefined: it hangs. */
  onCommand: (command: DrbdMessage) => number | undefined = () => NO_ERROR
  /** Called when the initial state was asked for, before it is answered. */
  onDump: () => void = () => {}
  #seq = 2
  readonly #wires = new Set<Wire>()

  /** In place of a netlink socket. */
  readonly open: OpenNetlink = ({ readSliceMs }) => {
    const ends = new Int32Array(2)
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | CLOEXEC, 0, new Uint8Array(ends.buffer)) < 0)
      throw new Error('socketpair')
    const [ours = -1, fd = -1] = ends
    if (readSliceMs !== undefined) {
      const time = BigInt64Array.of(
        BigInt(Math.floor(readSliceMs / 1000)),
        BigInt((readSliceMs % 1000) * 1000),
      )
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(time.buffer), 16)
    }
    const wire = this.#listen(ours)
    return {
      fd,
      portId: fd,
      receiveBuffer: { bytes: 0, forced: true },
      join: group => void wire.groups.add(group),
      mountOn: carrier => void dup3(fd, carrier, CLOEXEC),
      close: () => void close(fd),
    }
  }

  load(id: number, version = 2): void {
    const ops = new Map([[38, 12]])
    this.family = {
      id,
      name: 'drbd',
      version,
      headerSize: 8,
      maxAttr: 34,
      ops,
      groups: new Map([['events', GROUP]]),
    }
    this.#seq = 2
    this.#send(NLCTRL_NOTIFY_GROUP, writeFamilyReply(this.family, 0))
  }

  unload(): void {
    if (this.family === undefined) return
    const gone = writeFamilyReply(this.family, 0)
    gone[NLMSG_HEADER] = 2
    this.family = undefined
    for (const wire of this.#wires) wire.groups.delete(GROUP)
    this.#send(NLCTRL_NOTIFY_GROUP, gone)
  }

  /** A notification in its place in the sequence; `skip` leaves out as many numbers before it. */
  tell(cmd: number, type: number, blocks: Blocks, options: { minor?: number; skip?: number } = {}): void {
    this.#seq += 1 + (options.skip ?? 0)
    this.#send(GROUP, this.#message(cmd, this.#seq, type, blocks, 0, options.minor))
  }

  /** Any bytes to those who listen for events. */
  tellBytes(bytes: Uint8Array): void {
    this.#send(GROUP, bytes)
  }

  [Symbol.dispose](): void {
    for (const wire of this.#wires) wire.socket.destroy()
    for (const wire of this.#wires) close(wire.fd)
    this.#wires.clear()
  }

  #listen(fd: number): Wire {
    const carrier = openCarrier()
    const buffer = new Uint8Array(65_536)
    const callback = (length: number): boolean => {
      for (const message of readNlMessages(buffer.subarray(0, length))) this.#answer(wire, message)
      return true
    }
    const socket = new Socket({ fd: carrier, readable: true, writable: false, onread: { buffer, callback } })
    dup3(fd, carrier, CLOEXEC)
    const wire: Wire = { fd, groups: new Set(), socket }
    const gone = (): void => {
      if (this.#wires.delete(wire)) close(fd)
    }
    socket.on('error', gone).on('close', gone)
    this.#wires.add(wire)
    return wire
  }

  #answer(wire: Wire, message: NlMessage): void {
    if (this.silent) return
    const { seq, type } = message
    if (type === 16)
      this.#reply(
        wire,
        this.family === undefined ? this.#error(seq, ENOENT) : writeFamilyReply(this.family, seq),
      )
    else if (type !== this.family?.id) this.#reply(wire, this.#error(seq, ENOENT))
    else if (message.view.getUint8(NLMSG_HEADER) === CMD.GET_INITIAL_STATE) this.#dump(wire, seq)
    else if ((message.flags & NLM_F_DUMP) === NLM_F_DUMP) this.#dumpObjects(wire, message)
    else this.#command(wire, readDrbdMessage(message))
  }

  #dump(wire: Wire, seq: number): void {
    this.dumps += 1
    this.onDump()
    const flags = this.interrupts > 0 ? NLM_F_DUMP_INTR : 0
    if (this.interrupts > 0) this.interrupts -= 1
    for (const { cmd, minor, blocks } of this.objects)
      this.#reply(wire, this.#message(cmd, seq, 0, blocks, flags, minor))
    this.#reply(wire, this.#message(CMD.INITIAL_STATE_DONE, seq, 0, {}, flags))
    this.#reply(wire, writeNlMessage({ type: NLMSG_DONE, flags: 2, seq }, new Uint8Array(4)))
  }

  /** GET_DEVICES of the same devices as the initial state; the others say that there is nothing. */
  #dumpObjects(wire: Wire, { seq, view }: NlMessage): void {
    const devices = view.getUint8(NLMSG_HEADER) === CMD.GET_DEVICES
    for (const { cmd, minor, blocks } of this.objects) {
      if (devices && cmd === CMD.DEVICE_STATE)
        this.#reply(wire, this.#message(CMD.GET_DEVICES, seq, 0, blocks, 2, minor))
    }
    this.#reply(wire, writeNlMessage({ type: NLMSG_DONE, flags: 2, seq }, new Uint8Array(4)))
  }

  #command(wire: Wire, command: DrbdMessage): void {
    const result = this.onCommand(command)
    if (result === undefined || this.family === undefined) return
    const { id: familyId, version } = this.family
    const { cmd, seq } = command
    this.#reply(
      wire,
      writeDrbdMessage({ familyId, version: version === 1 ? 1 : 2, cmd, seq, nlFlags: 0, flags: result }),
    )
  }

  #message(
    cmd: number,
    seq: number,
    type: number,
    blocks: Blocks,
    nlFlags: number,
    minor?: number,
  ): Uint8Array {
    const { id = 0, version = 2 } = this.family ?? {}
    return writeDrbdMessage({
      familyId: id,
      version: version === 1 ? 1 : 2,
      cmd,
      seq,
      nlFlags,
      flags: NO_ERROR,
      blocks: { ...blocks, notification_header: { nh_type: type } },
      ...(minor === undefined ? {} : { minor }),
    })
  }

  #error(seq: number, errno: number): Uint8Array {
    const payload = new Uint8Array(4 + NLMSG_HEADER)
    viewOf(payload).setInt32(0, -errno, true)
    return writeNlMessage({ type: NLMSG_ERROR, flags: 0, seq }, payload)
  }

  #send(group: number, bytes: Uint8Array): void {
    for (const wire of this.#wires) if (wire.groups.has(group)) this.#reply(wire, bytes)
  }

  #reply(wire: Wire, bytes: Uint8Array): void {
    try {
      writeSync(wire.fd, bytes)
    } catch {
      // The other side has closed: a kernel would not notice either.
    }
  }
}
