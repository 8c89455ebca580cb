/** The management console of a guest's kernel: disks come and go through it. */
import { AppError } from '#kit/errors.ts'
import { tryRun } from './run.ts'

export async function mconsole(socket: string, ...command: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await tryRun(['uml_mconsole', socket, ...command], {
    deadlineMs: 10_000,
  })
  const answer = stdout.trim()
  if (status === 0 && !/^ERR\b/m.test(answer)) return answer.replace(/^OK\s*/, '')
  throw new AppError('LAB_FAILED', 'the management console of a guest refused', {
    command: command.join(' '),
    answer: answer || stderr.trim().slice(-200),
  })
}
