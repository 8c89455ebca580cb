/** Writes the node's report object: status of hawsernodes.hawser.io/NODE, by server-side apply. */
import { AppError } from '#kit/errors.ts'
import { API_GROUP, API_VERSION, FIELD_MANAGER_AGENT } from '#protocol/names.ts'
import type { Report } from '#protocol/report.ts'
import type { Kube } from './request.ts'

/** Throws AppError API_REFUSED (also while the CRD is not installed yet) besides what `call` throws. */
export async function applyReport(kube: Kube, report: Report, signal: AbortSignal): Promise<void> {
  const path = `/apis/${API_GROUP}/${API_VERSION}/hawsernodes/${report.node}`
  const query = `?fieldManager=${FIELD_MANAGER_AGENT}&force=true`
  const head = {
    apiVersion: `${API_GROUP}/${API_VERSION}`,
    kind: 'HawserNode',
    metadata: { name: report.node },
  }
  const apply = (where: string, body: unknown) =>
    kube.call({ method: 'PATCH', path: where + query, patch: 'application/apply-patch+yaml', body }, signal)
  let answer = await apply(`${path}/status`, { ...head, status: report })
  if (answer.status === 404) {
    // Not there yet: the object is made once, then it takes its status.
    const made = await apply(path, head)
    if (made.status >= 300) throw refused('the report object cannot be made', made.status, made.body)
    answer = await apply(`${path}/status`, { ...head, status: report })
  }
  if (answer.status >= 300) throw refused('the report was refused', answer.status, answer.body)
}

function refused(message: string, status: number, body: unknown): AppError {
  const said =
    typeof body === 'object' && body !== null && 'message' in body ? String(body.message).slice(0, 300) : ''
  return new AppError('API_REFUSED', message, { status, said })
}
