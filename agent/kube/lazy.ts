/** The API client, loaded at its first call: a restarted agent must hold its lease again before anything that can wait. */
import type { Clock } from '#kit/clock.ts'
import type { Kube, KubeEndpoint } from './request.ts'

export function lazyKube(endpoint: KubeEndpoint, clock: Clock): Kube {
  let opened: Promise<Kube> | undefined
  let kube: Kube | undefined
  const open = async (): Promise<Kube> => {
    const { openKube } = await import('./request.ts')
    kube = openKube(endpoint, clock)
    return kube
  }
  return {
    async call(call, signal) {
      // One that cannot be opened (its CA file is missing) may be opened later.
      opened ??= open().catch((error: unknown) => {
        opened = undefined
        throw error
      })
      return await (await opened).call(call, signal)
    },
    lastAnswerAt: () => kube?.lastAnswerAt(),
    async [Symbol.asyncDispose]() {
      await kube?.[Symbol.asyncDispose]()
    },
  }
}
