/** The one door to @kubernetes/client-node: a kubeconfig's address and credentials. Loaded only when there is a kubeconfig. */
import type { RequestOptions } from 'node:https'
// Named, so that a bundle takes this class and not the thousand types of the API.
import { KubeConfig } from '@kubernetes/client-node'
import { AppError } from '#kit/errors.ts'

export interface KubeconfigRead {
  readonly server: string
  /** TLS material and headers as of now: a credential program may give others next time. */
  read(): Promise<RequestOptions>
}

export function openKubeconfigFile(file: string): KubeconfigRead {
  const kubeconfig = new KubeConfig()
  try {
    kubeconfig.loadFromFile(file)
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', 'could not read the kubeconfig', { file }, cause)
  }
  const cluster = kubeconfig.getCurrentCluster()
  if (cluster === null)
    throw new AppError('CONFIG_INVALID', 'the kubeconfig names no current cluster', { file })
  return {
    server: cluster.server,
    async read() {
      const options: RequestOptions = {}
      try {
        await kubeconfig.applyToHTTPSOptions(options)
      } catch (cause) {
        throw new AppError('CONFIG_INVALID', 'the kubeconfig gives no credentials', { file }, cause)
      }
      return options
    },
  }
}
