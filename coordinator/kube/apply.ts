/** Server-side apply under the coordinator's one field manager. */
import { FIELD_MANAGER_COORDINATOR } from '#protocol/names.ts'
import type { Api } from './request.ts'

/** JSON is YAML, so the content type of server-side apply takes it. */
const APPLY = 'application/apply-patch+yaml'

export interface Wanted {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/**
 * Writes what we want and takes the fields over from whoever had them: what the coordinator writes has no other owner.
 * Applying the same again changes nothing, not even the version.
 */
export async function applyObject(
  api: Api,
  path: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<unknown> {
  return api.call({
    method: 'PATCH',
    path,
    query: { fieldManager: FIELD_MANAGER_COORDINATOR, force: 'true', fieldValidation: 'Strict' },
    contentType: APPLY,
    body: wanted,
    signal,
  })
}

export async function applyStatus(
  api: Api,
  path: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<unknown> {
  return applyObject(api, `${path}/status`, wanted, signal)
}
