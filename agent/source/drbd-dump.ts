/** What DRBD's kernel module answers when it is asked: its family, its whole state, its configuration. */
import { type ExchangeOptions, exchange } from '../host/nlsocket.ts'
import { type DrbdConfig, toConfig } from '../state/drbd-config.ts'
import { type DrbdMessage, readDrbdMessage } from '../wire/drbd-message.ts'
import { type DrbdNotice, toNotice } from '../wire/drbd-notice.ts'
import { type DumpCommand, dumpRequest, type FamilyRef } from '../wire/drbd-request.ts'
import { familyRequest, type GenlFamily, readFamilyNotice } from '../wire/genl.ts'
import { ENOENT, isRefusedWith, openReply } from '../wire/reply.ts'

/** Undefined: the module is not loaded, or (8.4) this is not the initial network namespace. */
export async function readFamily(options: ExchangeOptions): Promise<GenlFamily | undefined> {
  let family: GenlFamily | undefined
  const reply = openReply('one', 1, message => {
    const notice = readFamilyNotice(message)
    if (notice?.kind === 'reply') family = notice.family
  })
  try {
    await exchange(familyRequest('drbd', 1), datagram => reply.take(datagram), options)
  } catch (error) {
    if (isRefusedWith(error, ENOENT)) return undefined
    throw error
  }
  return family
}

/** The objects of the initial state, or undefined when they changed meanwhile and the kernel says so. */
export async function readInitialState(
  family: FamilyRef,
  options: ExchangeOptions,
): Promise<DrbdNotice[] | undefined> {
  const notices: DrbdNotice[] = []
  const complete = await dump(family, 'GET_INITIAL_STATE', options, message =>
    notices.push(toNotice(message)),
  )
  if (!complete || !notices.some(notice => notice.object === 'done')) return undefined
  return notices
}

/** Undefined when it changed while it was read. */
export async function readConfig(
  family: FamilyRef,
  options: ExchangeOptions,
): Promise<DrbdConfig | undefined> {
  const all: DrbdMessage[][] = []
  for (const command of ['GET_RESOURCES', 'GET_DEVICES', 'GET_CONNECTIONS'] as const) {
    const messages: DrbdMessage[] = []
    if (!(await dump(family, command, options, message => messages.push(message)))) return undefined
    all.push(messages)
  }
  const [resources = [], devices = [], connections = []] = all
  return toConfig(resources, devices, connections)
}

async function dump(
  family: FamilyRef,
  command: DumpCommand,
  options: ExchangeOptions,
  each: (message: DrbdMessage) => void,
): Promise<boolean> {
  const reply = openReply('dump', 1, message => {
    if (message.type === family.id) each(readDrbdMessage(message))
  })
  await exchange(dumpRequest(family, command, 1), datagram => reply.take(datagram), options)
  return !reply.interrupted
}
