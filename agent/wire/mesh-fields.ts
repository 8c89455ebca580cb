/** Reads the fields of a message between agents, each in its form and range; anything else is a FieldError with the field's name. */
import { type BootId, isNodeName, type NodeName } from '#kit/brand.ts'

export class FieldError extends Error {}

export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FieldError(`field ${name}: not an object`)
  return value as Fields
}

export function text(fields: Fields, name: string, form: RegExp): string {
  const value = fields[name]
  if (typeof value !== 'string' || !form.test(value)) throw new FieldError(`field ${name}: not of its form`)
  return value
}

export function node(fields: Fields, name: string): NodeName {
  const value = text(fields, name, /^/)
  if (!isNodeName(value)) throw new FieldError(`field ${name}: not a node name`)
  return value
}

export function boot(fields: Fields, name: string): BootId {
  return text(fields, name, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as BootId
}

export function hex16(fields: Fields, name: string): string {
  return text(fields, name, /^[0-9a-f]{16}$/)
}

export function hash(fields: Fields, name: string): string {
  return text(fields, name, /^[0-9a-f]{16,64}$/)
}

export function resource(fields: Fields, name: string): string {
  return text(fields, name, /^[^\s/]{1,127}$/)
}

export function whole(fields: Fields, name: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most)
    throw new FieldError(`field ${name}: not a whole number in its range`)
  return value
}

export function truth(fields: Fields, name: string): boolean {
  const value = fields[name]
  if (typeof value !== 'boolean') throw new FieldError(`field ${name}: not a truth value`)
  return value
}

export function oneOf<Word extends string>(fields: Fields, name: string, words: readonly Word[]): Word {
  const found = words.find(word => word === fields[name])
  if (found === undefined) throw new FieldError(`field ${name}: an unknown word`)
  return found
}

export function list(fields: Fields, name: string, most: number): readonly unknown[] {
  const value = fields[name]
  if (!Array.isArray(value) || value.length > most)
    throw new FieldError(`field ${name}: not a list, or too long`)
  return value
}
