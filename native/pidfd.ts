/** Descriptors of other processes: the system calls that the C library of older systems does not wrap. */
import koffi from 'koffi'

const syscall: (number: number, a: number, b: number, c: number) => number = koffi
  .load('libc.so.6')
  .func('syscall', 'long', ['long', 'long', 'long', 'long'])

/** The two numbers are the same on every architecture. */
const SYS_PIDFD_OPEN = 434
const SYS_PIDFD_GETFD = 438

/** A descriptor that stands for the process, or -1 (`errno` of native/libc.ts tells why). */
export const pidfdOpen = (pid: number): number => syscall(SYS_PIDFD_OPEN, pid, 0, 0)
/** A descriptor of ours for the same open file as `fd` of that process, or -1; needs the right to trace it. */
export const pidfdGetfd = (pidfd: number, fd: number): number => syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
