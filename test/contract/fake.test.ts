/** The contract against the embedded stand-in. */
import t from 'tap'
import { openApiServer } from '../fakes/api-server.ts'
import { apiServerContract } from './api-server.suite.ts'

t.test('the embedded API server keeps the contract', async t => {
  const stop = new AbortController()
  const admin = { name: 'admin', groups: ['system:masters'] }
  const server = await openApiServer({ tokens: new Map([['secret', admin]]) }, stop.signal)
  t.teardown(() => server[Symbol.asyncDispose]())
  await apiServerContract(t, {
    url: server.url,
    token: 'secret',
    forget: async () => server.control.compact(),
  })
})
