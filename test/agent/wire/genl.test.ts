/** nlctrl: the family of a real kernel, its coming and going. */
import t from 'tap'
import {
  familyRequest,
  type GenlFamily,
  readFamilyNotice,
  writeFamilyReply,
} from '../../../agent/wire/genl.ts'
import { type NlMessage, readNlMessages } from '../../../agent/wire/nlmsg.ts'
import { family84, netlinkLines } from '../../golden/recordings.ts'

const first = (bytes: Uint8Array): NlMessage => {
  const [message] = readNlMessages(bytes)
  if (message === undefined) throw new Error('no message')
  return message
}

t.test('the family of DRBD 8.4', t => {
  const notice = readFamilyNotice(first(family84()))
  if (notice?.kind !== 'reply') throw new Error('not a family')
  const { id, name, version, headerSize, groups, ops } = notice.family
  t.match({ id, name, version, headerSize }, { id: 26, name: 'drbd', version: 1, headerSize: 8 })
  t.same([...groups.keys()], ['events'])
  t.ok(ops.has(38), 'knows GET_INITIAL_STATE')
  t.notOk(ops.has(50), 'knows no GET_PATHS')
  t.end()
})

t.test('what is written reads the same', t => {
  const family: GenlFamily = {
    id: 34,
    name: 'drbd',
    version: 2,
    headerSize: 8,
    maxAttr: 34,
    ops: new Map([
      [6, 11],
      [50, 12],
    ]),
    groups: new Map([['events', 5]]),
  }
  t.strictSame(readFamilyNotice(first(writeFamilyReply(family, 7))), { kind: 'reply', family })
  t.strictSame(
    readFamilyNotice(first(writeFamilyReply(family, 0))),
    { kind: 'new', family },
    'unasked: a notification',
  )
  t.end()
})

t.test('a module that is unloaded and loaded again, as the group notify told it', t => {
  const told = netlinkLines('drbd-9/9.3.3/28-module-unload-reload/n1.netlink.txt')
    .flatMap(({ bytes }) => readNlMessages(bytes))
    .filter(({ type }) => type === 16)
    .flatMap(message => readFamilyNotice(message) ?? [])
    .map(notice =>
      notice.kind === 'gone'
        ? `gone ${notice.name}`
        : `${notice.kind} ${notice.family.name} ${notice.family.version}`,
    )
  t.same(told, ['gone drbd', 'new drbd 2'])
  t.end()
})

t.test('the request is for the name', t => {
  t.equal(
    Buffer.from(familyRequest('drbd', 1)).toString('hex'),
    '20000000100001000100000000000000030100000900020064726264' + '00000000',
  )
  t.end()
})
