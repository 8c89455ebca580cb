/** Branded strings: identifiers of different kinds that the compiler keeps apart. */

declare const brand: unique symbol
export type Branded<T, Name extends string> = T & { readonly [brand]: Name }

export type NodeName = Branded<string, 'NodeName'>
export type ResourceName = Branded<string, 'ResourceName'>
/** A kernel boot: /proc/sys/kernel/random/boot_id, 36 characters. */
export type BootId = Branded<string, 'BootId'>

/** A Kubernetes node name (RFC 1123 subdomain). */
export function isNodeName(text: string): text is NodeName {
  return text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text)
}

export function nodeName(text: string): NodeName {
  if (!isNodeName(text)) throw new RangeError(`not a node name: ${JSON.stringify(text)}`)
  return text
}

/** DRBD's own rule: 1 to 127 characters, no white space, no slash. */
export function resourceName(text: string): ResourceName {
  if (!/^[^\s/]{1,127}$/.test(text)) throw new RangeError(`not a DRBD resource name: ${JSON.stringify(text)}`)
  return text as ResourceName
}

export function bootId(text: string): BootId {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text))
    throw new RangeError(`not a boot id: ${JSON.stringify(text)}`)
  return text as BootId
}
