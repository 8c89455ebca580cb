import t from 'tap'
import { createMetrics } from '../../../coordinator/serve/metrics.ts'
import { openProbes } from '../../../coordinator/serve/probes.ts'

t.test('health, readiness, metrics', async t => {
  let missing = ['nodes', 'reports']
  const metrics = createMetrics()
  await using probes = await openProbes(
    { host: '127.0.0.1', port: 0 },
    { missing: () => missing, metrics: metrics.text },
  )
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${probes.port}${path}`)
    return [response.status, await response.text()]
  }
  t.same(await get('/healthz'), [200, 'ok\n'])
  t.same(await get('/readyz?verbose'), [503, 'not synced yet: nodes, reports\n'])
  missing = []
  t.same(await get('/readyz'), [200, 'ok\n'])
  t.equal((await get('/'))[0], 404)
  metrics.gauge('hawser_coordinator_leading', 1)
  metrics.count('hawser_coordinator_reconciles_total', { controller: 'a"b\n', result: 'done' })
  metrics.count('hawser_coordinator_reconciles_total', { controller: 'a"b\n', result: 'done' })
  t.same(await get('/metrics'), [
    200,
    [
      '# HELP hawser_coordinator_leading 1 while this replica leads',
      '# TYPE hawser_coordinator_leading gauge',
      'hawser_coordinator_leading 1',
      '# HELP hawser_coordinator_reconciles_total work on a key, by controller and result',
      '# TYPE hawser_coordinator_reconciles_total counter',
      'hawser_coordinator_reconciles_total{controller="a_b_",result="done"} 2',
      '',
    ].join('\n'),
  ])
})

t.test('a port in use is refused with its number', async t => {
  const ports = { missing: () => [], metrics: () => '' }
  await using first = await openProbes({ host: '127.0.0.1', port: 0 }, ports)
  await t.rejects(openProbes({ host: '127.0.0.1', port: first.port }, ports), { code: 'PORT_BUSY' })
})
