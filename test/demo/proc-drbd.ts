/** Reads /proc/drbd of DRBD 8.4. Pure. */

export interface DrbdLine {
  readonly minor: number
  readonly connection: string
  readonly role: string
  readonly peerRole: string
  readonly disk: string
  readonly peerDisk: string
  /** `s` stands where I/O is suspended. */
  readonly flags: string
}

const LINE = /^ *(\d+): cs:(\w+) ro:(\w+)\/(\w+) ds:(\w+)\/(\w+) \S (\S+)/

/** One entry a configured minor. */
export function parseProcDrbd(text: string): DrbdLine[] {
  return text.split('\n').flatMap(line => {
    const match = LINE.exec(line)
    if (match === null) return []
    const [, minor = '', connection = '', role = '', peerRole = '', disk = '', peerDisk = '', flags = ''] =
      match
    return [{ minor: Number(minor), connection, role, peerRole, disk, peerDisk, flags }]
  })
}
