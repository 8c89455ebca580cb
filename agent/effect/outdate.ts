/** Outdates the own copy of a resource, every volume of it, and says so only when the kernel did. */
import { AppError } from '#kit/errors.ts'
import type { Resource } from '../state/drbd-model.ts'
import type { DrbdCommands } from './drbd-commands.ts'

const DEADLINE_MS = 3000

/** Throws AppError DRBD_REFUSED with the kernel's word, or what the request itself throws. */
export async function outdateOwnCopy(
  commands: DrbdCommands,
  resource: Resource | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (resource === undefined || resource.devices.size === 0)
    throw new AppError('DRBD_REFUSED', 'there is no such volume here any more')
  for (const { volume, minor } of resource.devices.values()) {
    const outcome = await commands.run(
      { kind: 'outdate', of: { resource: resource.name, volume, minor } },
      { deadlineMs: DEADLINE_MS, signal },
    )
    if (outcome.kind === 'refused')
      throw new AppError('DRBD_REFUSED', 'DRBD did not outdate the copy', {
        volume,
        code: outcome.code,
        name: outcome.name,
      })
  }
}
