/** DRBD 8.4 stories: events on top of a dump lead to what the next dump says. */
import t from 'tap'
import { dump84, type StoryLine, story84 } from '../../golden/recordings.ts'
import { essence, Replay, stateOf } from './replay.ts'

const initialState = (state: string, node: string): readonly Uint8Array[] =>
  dump84(state, node).answers.get('GET_INITIAL_STATE') ?? []

interface Point {
  readonly story: string
  readonly node: 'n1' | 'n2'
  /** The dump before the story; where none was taken, the one before that had the same state. */
  readonly from: string
  /** What the state equals just before the mark with this beginning, or at the end. */
  readonly equals: readonly { readonly dump: string; readonly before?: string }[]
}

const POINTS: readonly Point[] = [
  {
    story: '01-bring-up',
    node: 'n1',
    from: '00-empty.n1',
    equals: [{ dump: '01-alone', before: 'n2: storage' }, { dump: '02-inconsistent' }],
  },
  { story: '01-bring-up', node: 'n2', from: '00-empty.n1', equals: [{ dump: '02-inconsistent' }] },
  {
    story: '02-first-sync',
    node: 'n1',
    from: '02-inconsistent',
    equals: [{ dump: '04-sync-paused', before: 'n1: resume-sync' }, { dump: '05-uptodate' }],
  },
  {
    story: '02-first-sync',
    node: 'n2',
    from: '02-inconsistent',
    equals: [{ dump: '04-sync-paused', before: 'n1: resume-sync' }, { dump: '05-uptodate' }],
  },
  { story: '03-roles', node: 'n1', from: '05-uptodate', equals: [{ dump: '06-roles' }] },
  { story: '03-roles', node: 'n2', from: '05-uptodate', equals: [{ dump: '06-roles' }] },
  {
    story: '04-disconnect-connect',
    node: 'n1',
    from: '06-roles',
    equals: [{ dump: '07-disconnected', before: 'n1: write' }, { dump: '06-roles' }],
  },
  {
    story: '04-disconnect-connect',
    node: 'n2',
    from: '06-roles',
    equals: [{ dump: '07-disconnected', before: 'n1: write' }, { dump: '06-roles' }],
  },
  {
    story: '05-cut-outdated',
    node: 'n1',
    from: '06-roles',
    equals: [{ dump: '09-cut-peer-outdated', before: 'healed' }, { dump: '06-roles' }],
  },
  {
    story: '05-cut-outdated',
    node: 'n2',
    from: '06-roles',
    equals: [{ dump: '09-cut-peer-outdated', before: 'healed' }, { dump: '06-roles' }],
  },
  {
    story: '06-cut-fencing-fails',
    node: 'n1',
    from: '06-roles',
    equals: [
      { dump: '10-suspended-for-good', before: 'n2: primary, refused' },
      { dump: '11-resumed-by-hand', before: 'healed' },
      { dump: '06-roles' },
    ],
  },
  {
    story: '06-cut-fencing-fails',
    node: 'n2',
    from: '06-roles',
    equals: [{ dump: '11-outdated-itself', before: 'n1: resume-io' }, { dump: '06-roles' }],
  },
  {
    story: '07-secondary-killed',
    node: 'n1',
    from: '06-roles',
    equals: [{ dump: '12-peer-dead', before: 'n1: write' }, { dump: '06-roles' }],
  },
  {
    story: '08-primary-killed',
    node: 'n2',
    from: '06-roles',
    equals: [{ dump: '13-took-over', before: 'n2: write' }],
  },
  {
    story: '09-primary-disk-error',
    node: 'n1',
    from: '18-resized',
    equals: [{ dump: '14-diskless-primary', before: 'n2: disk is fine' }, { dump: '18-resized' }],
  },
  {
    story: '10-secondary-disk-error',
    node: 'n1',
    from: '18-resized',
    equals: [{ dump: '15-diskless-secondary', before: 'n1: disk is fine' }, { dump: '18-resized' }],
  },
  {
    story: '11-split-brain',
    node: 'n1',
    from: '18-resized',
    equals: [{ dump: '16-split-brain', before: 'n1: gives up' }, { dump: '18-resized' }],
  },
  {
    story: '12-maintenance',
    node: 'n1',
    from: '18-resized',
    equals: [
      { dump: '17-verified-out-of-sync', before: 'n1: invalidate' },
      { dump: '18-resized', before: 'n1: detach' },
      { dump: '18-resized' },
    ],
  },
  {
    story: '14-frozen-suspended-outdated',
    node: 'n1',
    from: '18-resized',
    equals: [
      { dump: '22-suspended-by-user', before: 'n2: resume-io' },
      { dump: '23-outdated', before: 'n1: primary, refused' },
      { dump: '18-resized' },
    ],
  },
  {
    story: '09-primary-disk-error',
    node: 'n2',
    from: '18-resized',
    equals: [{ dump: '14-diskless-primary', before: 'n2: disk is fine' }, { dump: '18-resized' }],
  },
  {
    story: '10-secondary-disk-error',
    node: 'n2',
    from: '18-resized',
    equals: [{ dump: '15-diskless-secondary', before: 'n1: disk is fine' }, { dump: '18-resized' }],
  },
  {
    story: '11-split-brain',
    node: 'n2',
    from: '18-resized',
    equals: [{ dump: '16-split-brain', before: 'n1: gives up' }, { dump: '18-resized' }],
  },
  {
    story: '12-maintenance',
    node: 'n2',
    from: '18-resized',
    equals: [
      { dump: '17-verified-out-of-sync', before: 'n1: invalidate' },
      { dump: '18-resized', before: 'n1: detach' },
      { dump: '18-resized' },
    ],
  },
  {
    story: '14-frozen-suspended-outdated',
    node: 'n2',
    from: '18-resized',
    equals: [
      { dump: '21-peer-frozen', before: 'n1: thawed' },
      { dump: '22-suspended-by-user', before: 'n2: resume-io' },
      { dump: '23-outdated', before: 'n1: primary, refused' },
      { dump: '18-resized' },
    ],
  },
  {
    story: '13-two-resources-down',
    node: 'n1',
    from: '18-resized',
    equals: [{ dump: '19-two-resources', before: 'n2: r1 secondary' }, { dump: '20-all-down' }],
  },
  {
    story: '13-two-resources-down',
    node: 'n2',
    from: '18-resized',
    equals: [{ dump: '19-two-resources', before: 'n2: r1 secondary' }, { dump: '20-all-down' }],
  },
]

const isMark = (line: StoryLine, text: string): boolean => 'mark' in line && line.mark.startsWith(text)

for (const { story, node, from, equals } of POINTS) {
  t.test(`${story} on ${node}`, t => {
    const [state = '', of = node] = from.split('.')
    const replay = new Replay(1, initialState(state, of))
    const left = [...equals]
    const compare = (): void => {
      const point = left.shift()
      if (point !== undefined)
        t.same(
          essence(replay.state),
          essence(stateOf(1, initialState(point.dump, node))),
          `equals ${point.dump}`,
        )
    }
    for (const line of story84(story, node)) {
      const before = left[0]?.before
      if (before !== undefined && isMark(line, before)) compare()
      if ('bytes' in line) replay.take(line.bytes, line.ms)
    }
    compare()
    t.equal(left.length, 0, 'every point was reached')
    t.same([...replay.state.unknown], [], 'nothing is unknown')
    t.same(replay.losses, [], 'nothing seems lost')
    t.end()
  })
}
