/** Which of the things that must be read once have been read. */

export interface Readiness {
  set(name: string): void
  isReady(...names: readonly string[]): boolean
  /** What is still missing of all. */
  missing(): readonly string[]
}

export function createReadiness(all: readonly string[]): Readiness {
  const open = new Set(all)
  return {
    set: name => {
      open.delete(name)
    },
    isReady: (...names) => names.every(name => !open.has(name)),
    missing: () => [...open],
  }
}
