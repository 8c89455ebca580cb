/** DRBD 9 recordings: dump + events equals the dump at the end, and may_promote goes the way events2 printed it. */
import t from 'tap'
import { mayPromote } from '../../../agent/decide/may-promote.ts'
import { type Life, lives, VERSIONS_9 } from '../../golden/recordings.ts'
import { essence, Replay, stateOf } from './replay.ts'

/** The values that events2 printed for one resource, in order, with neighbours of the same value once. */
function printed(life: Life): string[] {
  const values = life.events2.flatMap(line => {
    const found =
      /^\S+ (?:exists|create|change) resource name:(\S+).* may_promote:(yes|no) promotion_score:(\d+)/.exec(
        line,
      )
    return found === null ? [] : [`${found[1]} ${found[2]} ${found[3]}`]
  })
  return withoutRepeats(values)
}

/** `carried`: the first value of a resource under its new name. */
function withoutRepeats(values: readonly string[], carried: ReadonlySet<string> = new Set()): string[] {
  const last = new Map<string, string>([...carried].map(value => [value.slice(0, value.indexOf(' ')), value]))
  return values.filter(value => {
    const name = value.slice(0, value.indexOf(' '))
    const repeats = last.get(name) === value
    last.set(name, value)
    return !repeats
  })
}

function computed(replay: Replay): string[] {
  return [...replay.state.resources.values()].map(resource => {
    const { may, score } = mayPromote(resource)
    return `${resource.name} ${may ? 'yes' : 'no'} ${score}`
  })
}

for (const version of VERSIONS_9) {
  for (const life of lives(version)) {
    t.test(life.name, t => {
      const replay = new Replay(2, life.start ?? [])
      const seen = computed(replay)
      const renames = new Set<string>()
      for (const { ms, bytes } of life.events) {
        const before = new Set(replay.state.resources.keys())
        if (replay.take(bytes, ms) === 0) continue
        const names = [...replay.state.resources.keys()]
        const gone = [...before].find(name => !replay.state.resources.has(name))
        const come = names.find(name => !before.has(name))
        // events2 prints nothing when a resource gets another name: the old value goes on.
        if (gone !== undefined && come !== undefined) {
          const old = seen.findLast(value => value.startsWith(`${gone} `))
          renames.add(`${come}${old?.slice(gone.length)}`)
        }
        seen.push(...computed(replay))
      }
      t.same([...replay.state.unknown], [], 'nothing in it is unknown')
      t.same(replay.losses, [], 'nothing seems lost')
      if (life.end !== undefined)
        t.same(essence(replay.state), essence(stateOf(2, life.end)), 'ends where the dump says')
      if (life.events2.length > 0)
        t.same(withoutRepeats(seen, renames), printed(life), 'may_promote as events2 says')
      t.end()
    })
  }
}
