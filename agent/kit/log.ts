/** The pino factory: field names, redaction, and a destination that never blocks the event loop. */
import { type Logger, pino } from 'pino'

export type Log = Logger

export interface LogOptions {
  readonly level: string
  readonly name: string
  /** File descriptor; 2 unless told. */
  readonly fd?: number
}

/** Asynchronous destination: a stalled reader of the output must not stall fencing (ARCHITECTURE fact 5). */
export function openLog(options: LogOptions): Log {
  const destination = pino.destination({
    dest: options.fd ?? 2,
    sync: false,
    minLength: 0,
    maxLength: 1 << 20,
  })
  return pino(
    {
      level: options.level,
      name: options.name,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      redact: {
        paths: [
          'key',
          'token',
          'authorization',
          '*.key',
          '*.token',
          '*.authorization',
          'headers.authorization',
        ],
        censor: '[secret]',
      },
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    destination,
  )
}
