/** The configuration slice: what the kernel tells only when it is asked (fencing policy, options, addresses). */
import type { ResourceName } from '#kit/brand.ts'
import { SteadyMap } from '#kit/steady-map.ts'
import { addressText } from '../wire/address.ts'
import { type FencingWord, fencingWord } from '../wire/drbd-info.ts'
import type { DrbdMessage } from '../wire/drbd-message.ts'
import { NO_NODE_ID } from '../wire/drbd-notice.ts'
import type { ResourceOptions } from '../wire/drbd-tables.ts'
import type { Resource } from './drbd-model.ts'

export interface DrbdConfig {
  readonly resources: readonly { readonly resource: string; readonly options: ResourceOptions }[]
  readonly devices: readonly {
    readonly resource: string
    readonly volume: number
    readonly fencing: FencingWord
  }[]
  readonly connections: readonly ConnectionConfig[]
}

export interface ConnectionConfig {
  readonly resource: string
  readonly peerNodeId: number
  readonly fencing: FencingWord
  readonly localAddress: string | undefined
  readonly peerAddress: string | undefined
}

/** From the answers to GET_RESOURCES, GET_DEVICES and GET_CONNECTIONS. */
export function toConfig(
  resources: readonly DrbdMessage[],
  devices: readonly DrbdMessage[],
  connections: readonly DrbdMessage[],
): DrbdConfig {
  return {
    resources: resources.flatMap(({ blocks }) => {
      const resource = blocks.cfg_context?.ctx_resource_name
      return resource === undefined ? [] : [{ resource, options: blocks.res_opts ?? {} }]
    }),
    devices: devices.flatMap(({ blocks }) => {
      const { ctx_resource_name: resource, ctx_volume: volume } = blocks.cfg_context ?? {}
      if (resource === undefined || volume === undefined) return []
      return [{ resource, volume, fencing: fencingWord(blocks.disk_conf?.fencing) }]
    }),
    connections: connections.flatMap(({ blocks }) => {
      const context = blocks.cfg_context
      if (context?.ctx_resource_name === undefined) return []
      const mine = context.ctx_my_addr ?? blocks.path_parms?.my_addr?.[0]
      const theirs = context.ctx_peer_addr ?? blocks.path_parms?.peer_addr?.[0]
      return [
        {
          resource: context.ctx_resource_name,
          peerNodeId: context.ctx_peer_node_id ?? NO_NODE_ID,
          fencing: fencingWord(blocks.net_conf?.fencing_policy),
          localAddress: mine === undefined ? undefined : addressText(mine),
          peerAddress: theirs === undefined ? undefined : addressText(theirs),
        },
      ]
    }),
  }
}

/** Every policy not named in the configuration becomes `unknown` again: an old one is not trusted. */
export function withConfig(
  resources: ReadonlyMap<ResourceName, Resource>,
  config: DrbdConfig,
): ReadonlyMap<ResourceName, Resource> {
  const options = new Map(config.resources.map(each => [each.resource, each.options]))
  const devices = new Map(config.devices.map(each => [`${each.resource}/${each.volume}`, each.fencing]))
  const connections = new Map(config.connections.map(each => [`${each.resource}/${each.peerNodeId}`, each]))
  return SteadyMap.from(
    [...resources].map(([name, { options: _, ...resource }]) => {
      const known = options.get(name)
      const next: Resource = {
        ...resource,
        devices: new Map(
          [...resource.devices].map(([volume, device]) => [
            volume,
            { ...device, fencing: devices.get(`${name}/${volume}`) ?? 'unknown' },
          ]),
        ),
        connections: new Map(
          [...resource.connections].map(([id, connection]) => {
            const wanted = connections.get(`${name}/${id}`)
            return [
              id,
              {
                ...connection,
                fencing: wanted?.fencing ?? 'unknown',
                localAddress: connection.localAddress ?? wanted?.localAddress,
                peerAddress: connection.peerAddress ?? wanted?.peerAddress,
              },
            ]
          }),
        ),
        ...(known === undefined ? {} : { options: known }),
      }
      return [name, next]
    }),
  )
}
