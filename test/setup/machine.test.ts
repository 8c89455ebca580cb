/** The checks of this machine: each says nothing, or one line that names what is missing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freeMemoryMiB, testSlots, whyNoTun, whyTooLittleDisk, whyTooLittleMemory } from './machine.ts'

t.test('memory', async t => {
  t.ok(freeMemoryMiB() > 50)
  t.equal(freeMemoryMiB('MemTotal: 9 kB\nMemAvailable:    2048 kB\n'), 2)
  t.equal(whyTooLittleMemory(100, 100), undefined)
  t.equal(whyTooLittleMemory(101, 100), '101 MiB of memory are needed, 100 MiB are free')
})

t.test('disk', async t => {
  t.equal(whyTooLittleDisk(tmpdir(), 1), undefined)
  t.match(whyTooLittleDisk(tmpdir(), 1e9), /^1000000000 MiB of disk are needed in .*, \d+ MiB are free$/)
})

t.test('the tun device', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'hawser-machine-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  t.match(whyNoTun(join(dir, 'tun')), /is missing \(in a container:/)
  writeFileSync(join(dir, 'tun'), '')
  t.equal(whyNoTun(join(dir, 'tun')), undefined)
  t.match(whyNoTun(dir), /may not be opened \(EISDIR\)/)
})

t.test('slots', async t => {
  t.ok(testSlots() >= 2 && testSlots() <= 5)
})
