/** --keep: the demo's lab answers to `npm run lab -- …` from another terminal until it is told to end. */
import { rmSync, writeFileSync } from 'node:fs'
import { AppError } from '#kit/errors.ts'
import { isLabUp, labSocket, ownerFile } from '../lab/command-client.ts'
import { serveCommands } from '../lab/command-server.ts'
import { ownerPid } from '../lab/inside.ts'
import type { Lab } from '../lab/lab.ts'

/** Known before the first guest boots: nobody wants to hear it after the run. */
export async function checkKeep(): Promise<void> {
  if (await isLabUp())
    throw new AppError('PORT_BUSY', 'another lab is up, and --keep needs its place: npm run lab -- down')
}

export function keepWords(lookAround: readonly string[]): string[] {
  return [
    '',
    'Everything is left running until Ctrl-C, or npm run lab -- down. From another terminal:',
    ...lookAround.map(words => `  npm run lab -- ${words}`),
  ]
}

export async function keepLab(lab: Lab, signal: AbortSignal): Promise<void> {
  writeFileSync(ownerFile(), String(ownerPid()))
  try {
    await serveCommands(lab, labSocket(), signal)
  } finally {
    for (const file of [labSocket(), ownerFile()]) rmSync(file, { force: true })
  }
}
