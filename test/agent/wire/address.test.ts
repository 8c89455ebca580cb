/** Addresses as DRBD sends them. */
import { inspect } from 'node:util'
import t from 'tap'
import { addressText } from '../../../agent/wire/address.ts'

const blob = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const ipv6 = (address: string): Uint8Array => blob(`0a00 1e6d 00000000 ${address} 00000000`)

t.test('text of an address', t => {
  const cases: readonly [Uint8Array, string][] = [
    [blob('0200 1e6d 0a62000b 0000000000000000'), '10.98.0.11:7789'],
    [ipv6('fd000000000000000000000000000001'), '[fd00::1]:7789'],
    [ipv6('00000000000000000000000000000000'), '[::]:7789'],
    [ipv6('20010db8000000010000000000000001'), '[2001:db8:0:1::1]:7789'],
    [ipv6('20010db8000100000001000100010001'), '[2001:db8:1:0:1:1:1:1]:7789'],
    [ipv6('00010002000300040005000600000000'), '[1:2:3:4:5:6::]:7789'],
    [blob('1b00 0102'), 'family-27:0102'],
    [blob(''), 'family-0:'],
    [blob('0200 1e'), 'family-2:1e'],
  ]
  for (const [bytes, text] of cases) t.equal(addressText(bytes), text, inspect(bytes).slice(0, 40))
  t.end()
})
