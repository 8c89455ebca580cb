/** The one error class of Hawser, and the table of everything that can be said with it. */

/** What a code means, whether waiting helps, and what a person can do. `docs/errors.md` is tested against this table. */
export interface ErrorEntry {
  readonly means: string
  readonly retry: 'later' | 'never'
  readonly act: string
}

export const ERRORS = {
  ARGUMENT_INVALID: {
    means: 'A command-line argument or environment variable is wrong',
    retry: 'never',
    act: 'Correct the argument named in the message; --help lists them all',
  },
  CONFIG_INVALID: {
    means: 'A configuration file or object was refused while being read',
    retry: 'never',
    act: 'Correct the field named in the message',
  },
  MEMBERS_UNKNOWN: {
    means: 'The list of agents that vote is not known yet',
    retry: 'later',
    act: 'Create the ConfigMap hawser-members, or pass --members FILE',
  },
  KEY_INVALID: {
    means: 'The cluster key is missing or shorter than 32 bytes',
    retry: 'never',
    act: 'Create the Secret hawser-key with at least 32 random bytes',
  },
  WIRE_MALFORMED: {
    means: 'Bytes from outside do not have the form that their protocol demands',
    retry: 'later',
    act: 'Report it with the offset in the message; the agent reads the whole state again',
  },
  NETLINK_FAILED: {
    means: 'A netlink socket could not be opened, or a request was refused',
    retry: 'later',
    act: 'Check that the agent is privileged and runs in the initial network namespace (DRBD 8.4)',
  },
  DRBD_ABSENT: {
    means: 'The kernel does not know the generic-netlink family drbd',
    retry: 'later',
    act: 'Load the DRBD module; with DRBD 8.4 the agent must be in the initial network namespace',
  },
  DRBD_REFUSED: {
    means: 'DRBD refused a request; the message carries its result code',
    retry: 'later',
    act: 'Look the code up in the message; nothing was changed',
  },
  WATCHDOG_UNAVAILABLE: {
    means: 'The watchdog device could not be opened or programmed',
    retry: 'later',
    act: 'Load softdog or name another device with --watchdog; without it this node cannot be proven dead',
  },
  SOCKET_BUSY: {
    means: 'The status socket path is taken by another process, or is not a socket',
    retry: 'later',
    act: 'Stop the other agent, or remove the file named in the message',
  },
  PORT_BUSY: {
    means: 'A network port is in use by another process',
    retry: 'later',
    act: 'Stop the other process, or choose another port',
  },
  API_UNREACHABLE: {
    means: 'The Kubernetes API server did not answer in time',
    retry: 'later',
    act: 'Nothing: proof and fencing go on without it, deletes follow when it is back',
  },
  API_REFUSED: {
    means: 'The Kubernetes API server refused a request',
    retry: 'later',
    act: 'Check the rights of the service account against deploy/base',
  },
  API_CONFLICT: {
    means: 'An object changed between being read and being written',
    retry: 'later',
    act: 'Nothing: it is read again',
  },
  API_GONE: {
    means: 'A watch asked for a version that the API server no longer has',
    retry: 'later',
    act: 'Nothing: the list is read again',
  },
  ANSWER_TOO_LARGE: {
    means: 'An answer from outside was larger than its limit',
    retry: 'later',
    act: 'Report it; the limit is named in the message',
  },
  DEADLINE_PASSED: {
    means: 'Something outside did not answer before its deadline',
    retry: 'later',
    act: 'Look at the system named in the message',
  },
  PROGRAM_FAILED: {
    means: 'A program that was started ended with an error',
    retry: 'later',
    act: 'Look at the exit status and the output in the fields',
  },
  RIGHTS_MISSING: {
    means: 'The process lacks a right that it needs',
    retry: 'never',
    act: 'Run it as root or in a privileged pod; the message names the capability',
  },
  MACHINE_TOO_SMALL: {
    means: 'The machine lacks memory or disk for what was asked',
    retry: 'later',
    act: 'Free memory, or ask for fewer nodes',
  },
  LAB_FAILED: {
    means: 'The kernel lab could not do what was asked',
    retry: 'later',
    act: 'Read the console log named in the message',
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS

/** A fault with a code of the table, a constant message, details as fields, and its cause. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly fields: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'AppError'
    this.code = code
    this.fields = fields
  }
}

/** The exit codes of every Hawser program (sysexits words). */
export const EXIT = { ok: 0, failed: 1, usage: 64, fault: 70, later: 75 } as const

/** One line for a person: code, message, fields, and the chain of causes. */
export function sayError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = error instanceof AppError ? `${error.code}: ` : ''
  const fields =
    error instanceof AppError && Object.keys(error.fields).length > 0
      ? ` (${Object.entries(error.fields)
          .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
          .join(', ')})`
      : ''
  const cause = error.cause === undefined ? '' : `; because: ${sayError(error.cause)}`
  return `${code}${error.message}${fields}${cause}`
}

/** Makes the compiler count the cases of a union. */
export function unreachable(value: never): never {
  throw new Error(`a case is missing for ${JSON.stringify(value)}`)
}
