/** A datagram between agents ↔ its value: `HWS1`, 32 bytes HMAC of the rest, JSON; nothing is read before the HMAC fits. */
import {
  boot,
  FieldError,
  type Fields,
  fieldsOf,
  hash,
  hex16,
  list,
  node,
  oneOf,
  resource,
  text,
  truth,
  whole,
} from './mesh-fields.ts'
import type {
  Ack,
  Beat,
  MeshMessage,
  OutdateReply,
  OutdateRequest,
  SaidLife,
  SaidStatement,
} from './mesh-types.ts'

/** HMAC-SHA256 under the cluster key; 32 bytes. */
export type Hmac = (bytes: Uint8Array) => Uint8Array

export type Decoded =
  | { readonly ok: true; readonly message: MeshMessage }
  | { readonly ok: false; readonly reason: string }

const MAGIC = new TextEncoder().encode('HWS1')
const HMAC_BYTES = 32
const HEAD = MAGIC.length + HMAC_BYTES
/** JSON in one datagram: no fragments on any link that carries IPv6. */
export const MAX_JSON = 1200
const MAX_DETAIL = 200
const MAX_STATEMENTS = 64
const MAX_COPIES = 64
const MAX_CONDEMNED = 4

/** The bytes of a message; statements of an acknowledgement that do not fit are left off, copies first, and counted. */
export function encodeMessage(message: MeshMessage, hmac: Hmac): Uint8Array {
  const json = new TextEncoder().encode(fittingJson(message))
  const bytes = new Uint8Array(HEAD + json.length)
  bytes.set(MAGIC)
  bytes.set(hmac(json).subarray(0, HMAC_BYTES), MAGIC.length)
  bytes.set(json, HEAD)
  return bytes
}

function fittingJson(message: MeshMessage): string {
  if (message.kind === 'ack') return fittingAck(message)
  const whole = JSON.stringify(message)
  if (message.kind === 'outdated' && sizeOf(whole) > MAX_JSON)
    return JSON.stringify({ ...message, detail: '' })
  return whole
}

/** Statements in the order given, as many as fit; of the last one that is cut, as many copies as fit. */
function fittingAck(ack: Ack): string {
  const kept: object[] = []
  const text = (more: readonly object[]): string => {
    const statements = [...kept, ...more]
    return JSON.stringify({
      ...ack,
      statements,
      leftOff: ack.leftOff + ack.statements.length - statements.length,
    })
  }
  for (const statement of ack.statements) {
    const copies = [...statement.currentCopies]
    let shorter = toWords(statement, ack.membersHash)
    while (sizeOf(text([shorter])) > MAX_JSON && copies.length > 0) {
      copies.splice(-Math.ceil(copies.length / 8))
      shorter = toWords({ ...statement, currentCopies: [...copies], copiesCut: true }, ack.membersHash)
    }
    if (sizeOf(text([shorter])) > MAX_JSON) break
    kept.push(shorter)
  }
  return text([])
}

/** What is as usual is not said: about a healthy node hardly more than its boot and its silence remains. */
function toWords(statement: SaidStatement, membersHash: string): object {
  const { about, life, quietMs, suspects, condemned, currentCopies, copiesCut, failover } = statement
  return {
    about,
    ...(life === undefined
      ? {}
      : { life: life.membersHash === membersHash ? { ...life, membersHash: undefined } : life }),
    quietMs,
    ...(suspects ? { suspects } : {}),
    ...(condemned.length === 0 ? {} : { condemned }),
    ...(currentCopies.length === 0 ? {} : { currentCopies }),
    ...(copiesCut ? { copiesCut } : {}),
    ...(failover === 'none' ? {} : { failover }),
  }
}

function sizeOf(text: string): number {
  return new TextEncoder().encode(text).length
}

/** Reads a datagram, or says in words why it was refused. */
export function decodeMessage(bytes: Uint8Array, hmac: Hmac): Decoded {
  if (bytes.length < HEAD) return refuse('shorter than a head')
  if (bytes.length > HEAD + MAX_JSON) return refuse('longer than a message may be')
  if (bytes[0] !== MAGIC[0] || bytes[1] !== MAGIC[1] || bytes[2] !== MAGIC[2])
    return refuse('not a message of ours')
  if (bytes[3] !== MAGIC[3]) return refuse('an unknown version')
  const json = bytes.subarray(HEAD)
  if (!sameBytes(bytes.subarray(MAGIC.length, HEAD), hmac(json))) return refuse('made with another key')
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
    return { ok: true, message: parseMessage(fieldsOf(value, 'message')) }
  } catch (error) {
    return refuse(error instanceof FieldError ? error.message : 'not JSON in UTF-8')
  }
}

function refuse(reason: string): Decoded {
  return { ok: false, reason }
}

/** Looks at every byte whatever it finds, so that the time tells nothing. */
function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  let differ = left.length ^ right.length
  for (let at = 0; at < left.length; at++) differ |= (left[at] ?? 0) ^ (right[at] ?? 0)
  return differ === 0
}

function parseMessage(fields: Fields): MeshMessage {
  switch (fields['kind']) {
    case 'beat':
      return parseBeat(fields)
    case 'ack':
      return parseAck(fields)
    case 'outdate':
      return parseOutdate(fields)
    case 'outdated':
      return parseOutdated(fields)
    default:
      throw new FieldError('an unknown kind')
  }
}

function parseBeat(fields: Fields): Beat {
  return {
    kind: 'beat',
    from: node(fields, 'from'),
    bootId: boot(fields, 'bootId'),
    incarnation: whole(fields, 'incarnation'),
    seq: whole(fields, 'seq'),
    nonce: hex16(fields, 'nonce'),
    watchdog: oneOf(fields, 'watchdog', ['off', 'starting', 'armed']),
    resetMs: whole(fields, 'resetMs', 3_600_000),
    membersHash: hash(fields, 'membersHash'),
  }
}

function parseAck(fields: Fields): Ack {
  const membersHash = hash(fields, 'membersHash')
  const granted = truth(fields, 'granted')
  const refused =
    fields['refused'] === undefined ? undefined : oneOf(fields, 'refused', ['condemned', 'members'])
  if (granted === (refused !== undefined))
    throw new FieldError('field refused: must stand with a refusal, and only there')
  return {
    kind: 'ack',
    from: node(fields, 'from'),
    bootId: boot(fields, 'bootId'),
    incarnation: whole(fields, 'incarnation'),
    membersHash,
    nonce: hex16(fields, 'nonce'),
    yourBootId: boot(fields, 'yourBootId'),
    granted,
    ...(refused === undefined ? {} : { refused }),
    recorded: truth(fields, 'recorded'),
    statements: list(fields, 'statements', MAX_STATEMENTS).map(one =>
      parseStatement({ ...USUAL, ...fieldsOf(one, 'statements') }, membersHash),
    ),
    leftOff: whole(fields, 'leftOff', 1000),
  }
}

/** What a statement means where it says nothing. */
const USUAL = { suspects: false, condemned: [], currentCopies: [], copiesCut: false, failover: 'none' }

function parseStatement(fields: Fields, membersHash: string): SaidStatement {
  const life =
    fields['life'] === undefined ? undefined : parseLife({ membersHash, ...fieldsOf(fields['life'], 'life') })
  return {
    about: node(fields, 'about'),
    ...(life === undefined ? {} : { life }),
    quietMs: whole(fields, 'quietMs'),
    suspects: truth(fields, 'suspects'),
    condemned: list(fields, 'condemned', MAX_CONDEMNED).map(one => boot({ condemned: one }, 'condemned')),
    currentCopies: list(fields, 'currentCopies', MAX_COPIES).map(one =>
      resource({ currentCopies: one }, 'currentCopies'),
    ),
    copiesCut: truth(fields, 'copiesCut'),
    failover: oneOf(fields, 'failover', ['none', 'acting', 'done']),
  }
}

function parseLife(fields: Fields): SaidLife {
  return {
    bootId: boot(fields, 'bootId'),
    armed: truth(fields, 'armed'),
    resetMs: whole(fields, 'resetMs', 3_600_000),
    membersHash: hash(fields, 'membersHash'),
  }
}

function parseOutdate(fields: Fields): OutdateRequest {
  return {
    kind: 'outdate',
    from: node(fields, 'from'),
    bootId: boot(fields, 'bootId'),
    id: hex16(fields, 'id'),
    resource: resource(fields, 'resource'),
  }
}

function parseOutdated(fields: Fields): OutdateReply {
  return {
    kind: 'outdated',
    from: node(fields, 'from'),
    bootId: boot(fields, 'bootId'),
    id: hex16(fields, 'id'),
    resource: resource(fields, 'resource'),
    result: oneOf(fields, 'result', ['outdated', 'absent', 'primary', 'failed']),
    detail: text(fields, 'detail', /^.*$/su).slice(0, MAX_DETAIL),
  }
}
