/** Program inside a standing cluster's network: `exec-inside.ts NODE SCRIPT` runs a shell script in a guest. */
import { EXIT, sayError } from '#kit/errors.ts'
import { execIn } from '../lab/exec-client.ts'
import { labNode } from '../lab/layout.ts'

const [node = '', script = ''] = process.argv.slice(2)
const HOUR = 3_600_000
try {
  const onOutput = (stream: 'stdout' | 'stderr', text: string) => void process[stream].write(text)
  process.exitCode = (await execIn(labNode(node), script, { deadlineMs: HOUR, onOutput })).status
} catch (error) {
  console.error(sayError(error))
  process.exitCode = EXIT.later
}
