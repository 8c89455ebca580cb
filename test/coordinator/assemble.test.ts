/** The whole coordinator against the stand-in of the API server. */
import t from 'tap'
import { openApiServer } from '../fakes/api-server.ts'
import { liveThrough } from './scenario.ts'

t.test('its life', async t => {
  const server = await openApiServer({}, new AbortController().signal)
  t.teardown(() => server[Symbol.asyncDispose]())
  await liveThrough(t, { kind: 'plain', server: server.url })
})
