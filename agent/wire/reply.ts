/** The answer to a netlink request, datagram by datagram: which messages belong to it, and when it is complete. */
import { AppError } from '#kit/errors.ts'
import {
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  type NlMessage,
  readNlErrno,
  readNlMessages,
} from './nlmsg.ts'

export const ENOENT = 2

export interface Reply {
  /** Throws NETLINK_FAILED with the kernel's `errno` when the request was refused. */
  take(datagram: Uint8Array): 'more' | 'complete'
  /** The kernel says that its objects changed while it dumped them. */
  readonly interrupted: boolean
}

/** `one`: complete with its first message. `dump`: complete with NLMSG_DONE. */
export function openReply(kind: 'one' | 'dump', seq: number, each: (message: NlMessage) => void): Reply {
  let interrupted = false
  const takeMessage = (message: NlMessage): 'more' | 'complete' => {
    if (message.seq !== seq || message.type === NLMSG_NOOP) return 'more'
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true
    if (message.type === NLMSG_OVERRUN) throw refused(0)
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      const errno = readNlErrno(message)
      if (errno !== 0) throw refused(errno)
      return 'complete'
    }
    each(message)
    return kind === 'one' ? 'complete' : 'more'
  }
  return {
    take(datagram) {
      for (const message of readNlMessages(datagram))
        if (takeMessage(message) === 'complete') return 'complete'
      return 'more'
    },
    get interrupted() {
      return interrupted
    },
  }
}

function refused(errno: number): AppError {
  return new AppError('NETLINK_FAILED', 'the kernel refused a netlink request', { errno })
}

export function isRefusedWith(error: unknown, errno: number): boolean {
  return error instanceof AppError && error.code === 'NETLINK_FAILED' && error.fields['errno'] === errno
}
