/** Objects by key, with indexes, that says which keys have changed. */

/** What a reflector keeps of an object: enough to know it again, and our own words for the rest. */
export interface Kept<Value> {
  readonly key: string
  readonly uid: string
  readonly version: string
  readonly value: Value
}

export type Index<Value> = (value: Value) => readonly string[]

export interface Store<Value> {
  get(key: string): Kept<Value> | undefined
  values(): Iterable<Kept<Value>>
  readonly size: number
  /** Objects that an index files under a word. */
  by(index: string, word: string): readonly Kept<Value>[]
  put(object: Kept<Value>): void
  remove(key: string): void
  /** Takes a whole list: only differences count as changes. */
  replace(list: readonly Kept<Value>[]): void
}

export function createStore<Value>(
  changed: (key: string) => void,
  indexes: Readonly<Record<string, Index<Value>>> = {},
): Store<Value> {
  const objects = new Map<string, Kept<Value>>()
  /** index → word → keys */
  const filed = new Map(Object.keys(indexes).map(name => [name, new Map<string, Set<string>>()]))

  const file = (object: Kept<Value>): void => {
    for (const [name, index] of Object.entries(indexes))
      for (const word of index(object.value)) {
        const words = filed.get(name)
        const keys = words?.get(word) ?? new Set()
        words?.set(word, keys.add(object.key))
      }
  }
  const unfile = (object: Kept<Value>): void => {
    for (const [name, index] of Object.entries(indexes))
      for (const word of index(object.value)) {
        const words = filed.get(name)
        const keys = words?.get(word)
        keys?.delete(object.key)
        if (keys?.size === 0) words?.delete(word)
      }
  }

  const put = (object: Kept<Value>): void => {
    const held = objects.get(object.key)
    if (held !== undefined && held.uid === object.uid && held.version === object.version) return
    if (held !== undefined) unfile(held)
    objects.set(object.key, object)
    file(object)
    changed(object.key)
  }
  const remove = (key: string): void => {
    const held = objects.get(key)
    if (held === undefined) return
    unfile(held)
    objects.delete(key)
    changed(key)
  }

  return {
    get: key => objects.get(key),
    values: () => objects.values(),
    get size() {
      return objects.size
    },
    by: (index, word) => [...(filed.get(index)?.get(word) ?? [])].flatMap(key => objects.get(key) ?? []),
    put,
    remove,
    replace(list) {
      const listed = new Set(list.map(object => object.key))
      for (const key of [...objects.keys()]) if (!listed.has(key)) remove(key)
      for (const object of list) put(object)
    },
  }
}
