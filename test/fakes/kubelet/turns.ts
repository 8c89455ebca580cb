/** One after the other: a volume is not taken back for one pod while it is published for another. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs `act` when everything before it with the same key has ended, however it ended. */
  run<T>(key: string, act: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const turn = before.then(act, act)
    this.#last.set(key, turn)
    return turn
  }
}
