import t from 'tap'
import { bundle } from '../../deploy/images/layers.ts'

t.test('the bundle has not swallowed all types of the Kubernetes client', async t => {
  // With a careless import of @kubernetes/client-node it is 19 MB and 30 MB of memory more; it is 4.2 MB.
  const bytes = (await bundle('coordinator/main.ts')).length
  t.ok(bytes < 6_000_000, `${bytes} bytes`)
})
