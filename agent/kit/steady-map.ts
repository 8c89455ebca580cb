/** An immutable map for thousands of entries: a changed value copies a few dozen references, not the whole map. */

const CHUNK = 64

/**
 * Keys keep the order in which they came. The table of positions is shared between versions until a key comes or goes;
 * values lie in chunks, of which a change copies one.
 */
export class SteadyMap<K, V> implements ReadonlyMap<K, V> {
  readonly positions: ReadonlyMap<K, number>
  readonly chunks: readonly (readonly V[])[]

  private constructor(positions: ReadonlyMap<K, number>, chunks: readonly (readonly V[])[]) {
    this.positions = positions
    this.chunks = chunks
  }

  static from<K, V>(entries: Iterable<readonly [K, V]>): SteadyMap<K, V> {
    if (entries instanceof SteadyMap) return entries
    const unique = new Map(entries)
    const values = [...unique.values()]
    const chunks: V[][] = []
    for (let at = 0; at < values.length; at += CHUNK) chunks.push(values.slice(at, at + CHUNK))
    return new SteadyMap(new Map([...unique.keys()].map((key, at) => [key, at])), chunks)
  }

  get size(): number {
    return this.positions.size
  }

  has(key: K): boolean {
    return this.positions.has(key)
  }

  get(key: K): V | undefined {
    const at = this.positions.get(key)
    return at === undefined ? undefined : this.#at(at)
  }

  with(key: K, value: V): SteadyMap<K, V> {
    const at = this.positions.get(key) ?? this.size
    const positions = at < this.size ? this.positions : new Map(this.positions).set(key, at)
    const chunks = this.chunks.slice()
    const chunk = chunks[Math.floor(at / CHUNK)]?.slice() ?? []
    chunk[at % CHUNK] = value
    chunks[Math.floor(at / CHUNK)] = chunk
    return new SteadyMap(positions, chunks)
  }

  without(key: K): SteadyMap<K, V> {
    return this.has(key) ? SteadyMap.from([...this].filter(([each]) => each !== key)) : this
  }

  *entries(): MapIterator<[K, V]> {
    for (const [key, at] of this.positions) yield [key, this.#at(at)]
  }

  keys(): MapIterator<K> {
    return this.positions.keys()
  }

  *values(): MapIterator<V> {
    for (const chunk of this.chunks) yield* chunk
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(each: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) each(value, key, this)
  }

  #at(at: number): V {
    // Every position in the table has its value: `from` and `with` make both together.
    return this.chunks[Math.floor(at / CHUNK)]?.[at % CHUNK] as V
  }
}
