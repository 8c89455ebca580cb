/** The few functions of the C library that Node lacks, declared once. */
import koffi from 'koffi'

const lib = koffi.load('libc.so.6')

type Fd = number
type Bytes = Uint8Array

export const socket: (domain: number, type: number, protocol: number) => Fd =
  lib.func('int socket(int, int, int)')
export const bind: (fd: Fd, address: Bytes, length: number) => number = lib.func(
  'int bind(int, const void *, uint32_t)',
)
export const connect: (fd: Fd, address: Bytes, length: number) => number = lib.func(
  'int connect(int, const void *, uint32_t)',
)
export const getsockname: (fd: Fd, address: Bytes, length: Bytes) => number = lib.func(
  'int getsockname(int, void *, void *)',
)
export const setsockopt: (fd: Fd, level: number, name: number, value: Bytes, length: number) => number =
  lib.func('int setsockopt(int, int, int, const void *, uint32_t)')
export const getsockopt: (fd: Fd, level: number, name: number, value: Bytes, length: Bytes) => number =
  lib.func('int getsockopt(int, int, int, void *, void *)')
export const pipe2: (ends: Bytes, flags: number) => number = lib.func('int pipe2(void *, int)')
export const dup3: (from: Fd, to: Fd, flags: number) => number = lib.func('int dup3(int, int, int)')
/** ioctl is variadic; this is the shape that is used. */
export const ioctl: (fd: Fd, request: number, argument: Bytes) => number = lib.func('ioctl', 'int', [
  'int',
  'unsigned long',
  'void *',
])
export const close: (fd: Fd) => number = lib.func('int close(int)')

export const errno: () => number = () => koffi.errno()

/** `ENOBUFS (105)`: the number's name where it has one. */
export function errnoText(code: number): string {
  const name = Object.entries(koffi.os.errno).find(([, no]) => no === code)?.[0]
  return name === undefined ? String(code) : `${name} (${code})`
}
