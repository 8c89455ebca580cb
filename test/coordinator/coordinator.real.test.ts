/** The whole coordinator against a real API server, with the rights of deploy/base and nothing more. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { SessionConfig } from '../../coordinator/kube/session.ts'
import { findBinary } from '../cluster/binary.ts'
import { type ControlPlane, openControlPlane } from '../cluster/control-plane.ts'
import { until } from '../cluster/until.ts'
import { report } from './model/reports.ts'
import { liveThrough, now, openWorld, startCoordinator } from './scenario.ts'

const { signal: never } = new AbortController()
const BASE = join(import.meta.dirname, '../../deploy/base')
const CRDS = join(import.meta.dirname, '../../deploy/crds')
const ACCOUNT = 'system:serviceaccount:hawser:'

t.test('with a real API server', { timeout: 240_000 }, async t => {
  const dir = await mkdtemp(join(tmpdir(), 'hawser-coordinator-'))
  const kubehost = await findBinary(line => t.comment(line), never)
  const plane = await openControlPlane({ kubehost, dir, parts: [] }, never)
  t.teardown(async () => {
    await plane[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })
  const kubectl = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await plane.kubectl(args)
    if (status !== 0) t.fail(`kubectl ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const admin: SessionConfig = { kind: 'kubeconfig', file: plane.kubeconfig }

  await t.test('it takes every manifest of deploy/, strictly', async t => {
    await kubectl('apply', '-f', join(BASE, 'namespace.yaml'))
    const said = await kubectl('apply', '-k', BASE, '--server-side', '--dry-run=server', '--validate=strict')
    t.match(said, /daemonset.apps\/hawser-agent serverside-applied/)
    await kubectl('apply', '-f', CRDS, '--server-side', '--dry-run=server', '--validate=strict')
    await kubectl('apply', '-k', BASE, '--server-side', '--field-manager=test')
  })

  const coordinator = await accountSession(plane, dir, kubectl)
  await t.test('its life, as its own account', async t => liveThrough(t, admin, coordinator))

  await t.test('the definitions that it installed are those of deploy/crds', async t => {
    const diff = await plane.kubectl(['diff', '-f', CRDS, '--server-side', '--force-conflicts'])
    t.equal(diff.status, 0, diff.stdout + diff.stderr)
    const rows = await kubectl('get', 'hawserclusters,hawsernodes')
    t.match(rows, /READY +VOLUMES +REASON +AGE\nhawsercluster.hawser.io\/hawser +3\/3 +1\/1 +AllGood/)
  })

  await t.test('a report that breaks its schema is refused', async t => {
    const world = await openWorld(t, admin)
    for (const broken of [{ node: 'x'.repeat(300) }, { drbd: { phase: 'fine' as 'live' } }]) {
      const error = await world.report({ ...report('n1'), ...broken }).catch(thrown => thrown)
      t.match(error, { code: 'API_REFUSED', fields: { status: 422 } })
    }
  })

  await t.test('the API server goes away for longer than the Lease, its watch cache forgets', async t => {
    const world = await openWorld(t, admin)
    const running = startCoordinator(t, coordinator, 'third')
    await until('it leads', async () => running.said('leading'), { signal: never, deadlineMs: 15_000 })
    await world.becomes('a status', ({ ready }) => ready === '3/3')
    await plane.stop('apiserver')
    await until('it no longer leads', async () => running.said('no longer leading'), {
      signal: never,
      deadlineMs: 15_000,
    })
    await plane.start('apiserver')
    await world.report(
      report('n3', { reasons: [{ code: 'Test', text: 'after the restart' }], reportedAt: now() }),
    )
    await world.becomes('the new report', ({ ready }) => ready === '2/3')
    await world.report(report('n3', { reportedAt: now() }))
    await world.becomes('and the next', ({ ready }) => ready === '3/3')
    t.ok(
      running.lines.some(({ reason }) => String(reason).startsWith('API_GONE')),
      'it was told that its version is gone, and listed again',
    )
  })

  await t.test('a definition that somebody deletes, with all its objects, is installed again', async t => {
    const world = await openWorld(t, admin)
    const running = startCoordinator(t, coordinator, 'fourth')
    await until('it leads', async () => running.said('leading'), { signal: never, deadlineMs: 15_000 })
    await kubectl('delete', 'crd', 'hawsernodes.hawser.io')
    await until(
      'the definition',
      // While its storage is made the server says 429.
      async () => world.get('/apis/hawser.io/v1alpha1/hawsernodes').catch(() => undefined),
      { signal: never, deadlineMs: 20_000 },
    )
    await world.becomes('no report is left', ({ ready }) => ready === '0/3')
  })

  await t.test('rights: what each account may do, and above all what it may not', async t => {
    const { api } = await openWorld(t, admin)
    // account, verb, group/resource/name, namespace (* means all), may
    const table: [string, string, string, string, boolean][] = [
      ['hawser-agent', 'patch', '/nodes/', '*', true],
      ['hawser-agent', 'patch', '/nodes:status/', '*', true],
      ['hawser-agent', 'list', '/pods/', '*', true],
      ['hawser-agent', 'delete', '/pods/', '*', true],
      ['hawser-agent', 'delete', 'storage.k8s.io/volumeattachments/', '*', true],
      ['hawser-agent', 'patch', 'storage.k8s.io/volumeattachments/', '*', true],
      ['hawser-agent', 'list', 'storage.k8s.io/volumeattachments/', '*', true],
      ['hawser-agent', 'create', 'storage.k8s.io/volumeattachments/', '*', false],
      ['hawser-agent', 'get', '/persistentvolumeclaims/', '*', true],
      ['hawser-agent', 'list', '/persistentvolumes/', '*', true],
      ['hawser-agent', 'create', 'events.k8s.io/events/', '*', true],
      ['hawser-agent', 'create', 'hawser.io/hawsernodes/', '*', true],
      ['hawser-agent', 'patch', 'hawser.io/hawsernodes:status/', '*', true],
      ['hawser-agent', 'get', '/configmaps/hawser-members', 'hawser', true],
      ['hawser-agent', 'get', '/configmaps/other', 'hawser', false],
      ['hawser-agent', 'patch', '/configmaps/hawser-members', 'hawser', false],
      ['hawser-agent', 'get', '/secrets/hawser-key', 'hawser', false],
      ['hawser-agent', 'list', '/secrets/', '*', false],
      ['hawser-agent', 'create', '/pods/', '*', false],
      ['hawser-agent', 'delete', '/nodes/', '*', false],
      ['hawser-agent', 'delete', '/persistentvolumes/', '*', false],
      ['hawser-agent', 'patch', 'hawser.io/hawserclusters/', '*', false],
      ['hawser-coordinator', 'watch', '/nodes/', '*', true],
      ['hawser-coordinator', 'patch', 'hawser.io/hawserclusters:status/hawser', '*', true],
      ['hawser-coordinator', 'update', 'coordination.k8s.io/leases/hawser-coordinator', 'hawser', true],
      ['hawser-coordinator', 'update', 'coordination.k8s.io/leases/other', 'hawser', false],
      ['hawser-coordinator', 'patch', 'hawser.io/hawserclusters/other', '*', false],
      ['hawser-coordinator', 'patch', 'hawser.io/hawsernodes:status/', '*', false],
      ['hawser-coordinator', 'update', '/configmaps/hawser-members', 'hawser', false],
      ['hawser-coordinator', 'patch', '/configmaps/hawser-members', 'hawser', false],
      ['hawser-coordinator', 'patch', 'apiextensions.k8s.io/customresourcedefinitions/other', '*', false],
      ['hawser-coordinator', 'delete', '/pods/', '*', false],
      ['hawser-coordinator', 'patch', '/nodes/', '*', false],
      ['hawser-coordinator', 'get', '/secrets/', '*', false],
    ]
    for (const [account, verb, what, namespace, may] of table) {
      const [group, kind = '', name] = what.split('/')
      const [resource, subresource] = kind.split(':')
      const attributes = {
        verb,
        group,
        resource,
        subresource,
        name,
        namespace: namespace === '*' ? '' : namespace,
      }
      const spec = {
        user: `${ACCOUNT}${account}`,
        groups: ['system:authenticated'],
        resourceAttributes: attributes,
      }
      const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }
      const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
      const answer = await api.call({ method: 'POST', path, body, signal: never })
      t.match(answer, { status: { allowed: may } }, `${account} ${may ? 'may' : 'may not'} ${verb} ${what}`)
    }
  })
})

/** As a pod of the Deployment would have it: a bound token and the authority's certificate. */
async function accountSession(
  plane: ControlPlane,
  dir: string,
  kubectl: (...args: string[]) => Promise<string>,
): Promise<SessionConfig> {
  const tokenFile = join(dir, 'coordinator.token')
  await writeFile(tokenFile, await kubectl('-n', 'hawser', 'create', 'token', 'hawser-coordinator'))
  return { kind: 'plain', server: plane.url, tokenFile, caFile: plane.caFile }
}
