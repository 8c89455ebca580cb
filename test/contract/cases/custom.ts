/** Custom resources: served after their definition, pruned, validated, with a status of their own. */
import type { Test } from 'tap'
import { type Body, type ContractClient, MERGE_PATCH, STRATEGIC_PATCH } from '../client.ts'
import { CRDS, fresh } from '../names.ts'
import { crd } from '../widget.ts'

async function until<T>(what: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 15_000
  while (performance.now() < end) {
    const found = await what()
    if (found !== undefined) return found
    await new Promise(done => setTimeout(done, 50))
  }
  throw new Error('waited 15 s in vain')
}

const conditionOf = (object: Body, type: string): Body =>
  object.status?.conditions?.find((each: Body) => each.type === type)

export async function customCases(t: Test, api: ContractClient): Promise<void> {
  const definition = crd(fresh('c').replaceAll('-', ''))
  const { group } = definition.spec
  const apiVersion = `${group}/v1`
  const all = `/apis/${apiVersion}/widgets`
  const widget = (name: string, rest: object) => ({ apiVersion, kind: 'Widget', metadata: { name }, ...rest })

  await t.test('a definition is established, then served', async t => {
    t.equal((await api.get(all)).code, 404)
    t.equal((await api.post(CRDS, definition)).code, 201)
    const stored = await until(async () => {
      const { body } = await api.get(`${CRDS}/${definition.metadata.name}`)
      return conditionOf(body, 'Established')?.status === 'True' ? body : undefined
    })
    t.equal(conditionOf(stored, 'NamesAccepted').status, 'True')
    t.match(stored.status, {
      acceptedNames: { plural: 'widgets', kind: 'Widget', listKind: 'WidgetList' },
      storedVersions: ['v1'],
    })
    const list = await until(async () =>
      (await api.get(all)).code === 200 ? (await api.get(all)).body : undefined,
    )
    t.match(list, { kind: 'WidgetList', apiVersion, items: [] })
    const discovered = (await api.get(`/apis/${apiVersion}`)).body.resources.map((each: Body) => each.name)
    t.same(discovered, ['widgets', 'widgets/status'])
    t.match(await api.post(CRDS, { ...definition, metadata: { name: 'other' } }), { code: 422 })
  })

  await t.test('unknown fields are dropped, defaults filled in, the status ignored', async t => {
    const name = fresh('w')
    const { code, body } = await api.post(
      all,
      widget(name, { spec: { size: 1, unknown: 3 }, status: { phase: 'x' } }),
    )
    t.equal(code, 201)
    t.same(body.spec, { size: 1, mode: 'safe' })
    t.equal(body.status, undefined)
    t.equal(body.metadata.generation, 1)
  })

  await t.test('what does not fit the schema is 422 with every reason', async t => {
    const name = fresh('w')
    const refused = async (spec: object, causes: object[]): Promise<void> => {
      const reply = await api.post(all, widget(name, { spec }))
      t.match(
        reply,
        { code: 422, body: { reason: 'Invalid', details: { name, group, kind: 'Widget' } } },
        JSON.stringify(spec),
      )
      const found = reply.body.details.causes.map((cause: Body) => ({
        reason: cause.reason,
        field: cause.field,
      }))
      t.same(
        found.sort((a: Body, b: Body) => a.field.localeCompare(b.field)),
        causes,
        JSON.stringify(spec),
      )
    }
    await refused({ size: 0, mode: 'odd' }, [
      { reason: 'FieldValueNotSupported', field: 'spec.mode' },
      { reason: 'FieldValueInvalid', field: 'spec.size' },
    ])
    await refused({ size: 'big' }, [{ reason: 'FieldValueTypeInvalid', field: 'spec.size' }])
    await refused({}, [{ reason: 'FieldValueRequired', field: 'spec.size' }])
    await refused({ size: 10, name: 'A' }, [
      { reason: 'FieldValueInvalid', field: 'spec.name' },
      { reason: 'FieldValueInvalid', field: 'spec.size' },
    ])
  })

  await t.test('strict writes refuse unknown fields instead of dropping them', async t => {
    const name = fresh('w')
    const strict = `fieldValidation=Strict`
    t.match(await api.post(`${all}?${strict}`, widget(name, { spec: { size: 1, b: 2, a: 3 } })), {
      code: 400,
      body: {
        reason: 'BadRequest',
        message:
          'Widget in version "v1" cannot be handled as a Widget: strict decoding error: ' +
          'unknown field "spec.a", unknown field "spec.b"',
      },
    })
    await api.post(all, widget(name, { spec: { size: 1 } }))
    t.match(await api.patch(`${all}/${name}?${strict}`, { spec: { b: 2 } }, MERGE_PATCH), {
      code: 422,
      body: { reason: 'Invalid', message: /strict decoding error: unknown field "spec\.b"$/ },
    })
  })

  await t.test('an apply of what the schema does not declare is 500, strict or not', async t => {
    const name = fresh('w')
    const failed = (why: string) => ({
      code: 500,
      body: { message: `failed to create typed patch object (/${name}; ${apiVersion}, Kind=Widget): ${why}` },
    })
    const unknown = widget(name, { spec: { size: 1, b: 2 } })
    t.match(await api.apply(`${all}/${name}`, 'me', unknown), failed('.spec.b: field not declared in schema'))
    await api.apply(`${all}/${name}`, 'me', widget(name, { spec: { size: 1 } }))
    t.match(
      await api.apply(`${all}/${name}/status`, 'me', widget(name, { status: { conditions: [], x: 1 } })),
      failed('.status.x: field not declared in schema'),
    )
    const wrong = await api.apply(`${all}/${name}/status`, 'me', widget(name, { status: { phase: 1 } }))
    t.match(wrong, { code: 500, body: { message: /: \.status\.phase: expected string, got / } })
    t.equal((await api.get(`${all}/${name}`)).body.status, undefined)
  })

  await t.test('the kind must be said, and an update needs a version', async t => {
    const name = fresh('w')
    t.match(await api.post(all, { metadata: { name }, spec: { size: 1 } }), {
      code: 400,
      body: { reason: 'BadRequest' },
    })
    await api.post(all, widget(name, { spec: { size: 1 } }))
    t.match(await api.put(`${all}/${name}`, widget(name, { spec: { size: 2 } })), {
      code: 422,
      body: {
        message: `widgets.${group} "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
      },
    })
  })

  await t.test('the main resource and the status leave each other alone', async t => {
    const name = fresh('w')
    const path = `${all}/${name}`
    await api.post(all, widget(name, { spec: { size: 1 } }))
    const status = await api.patch(
      `${path}/status`,
      { metadata: { labels: { no: '1' } }, spec: { size: 5 }, status: { phase: 'up' } },
      MERGE_PATCH,
    )
    t.same(
      [status.body.spec.size, status.body.status.phase, status.body.metadata.labels],
      [1, 'up', undefined],
    )
    t.equal(status.body.metadata.generation, 1)
    const main = await api.patch(
      path,
      { metadata: { labels: { yes: '1' } }, spec: { size: 6 }, status: { phase: 'no' } },
      MERGE_PATCH,
    )
    t.same([main.body.spec.size, main.body.status.phase, main.body.metadata.labels], [6, 'up', { yes: '1' }])
    t.equal(main.body.metadata.generation, 2)
  })

  await t.test('status by server-side apply: lists by key, sets by item, others as a whole', async t => {
    const name = fresh('w')
    const path = `${all}/${name}`
    t.match(await api.apply(`${path}/status`, 'agent', widget(name, { status: {} })), { code: 404 })
    await api.apply(path, 'coordinator', widget(name, { spec: { size: 1 } }))
    const status = (manager: string, body: object, force = false) =>
      api.apply(`${path}/status`, manager, widget(name, { status: body }), force)
    const condition = (type: string, value: string) => ({ type, status: value })
    await status('agent', {
      phase: 'up',
      tags: ['a'],
      plain: ['x'],
      seen: { n1: 'yes' },
      conditions: [condition('Ready', 'True'), condition('Old', 'True')],
    })
    const both = await status('other', {
      tags: ['b'],
      seen: { n2: 'yes' },
      conditions: [condition('Fenced', 'False')],
    })
    t.equal(both.code, 200)
    t.same(both.body.status.seen, { n1: 'yes', n2: 'yes' })
    t.same(both.body.status.tags.sort(), ['a', 'b'])
    t.same(
      both.body.status.conditions.map((each: Body) => each.type),
      ['Ready', 'Old', 'Fenced'],
    )

    t.match(await status('other', { plain: ['y'], conditions: [condition('Ready', 'False')] }), {
      code: 409,
      body: {
        message:
          'Apply failed with 2 conflicts: conflicts with "agent" with subresource "status":\n' +
          '- .status.plain\n- .status.conditions[type="Ready"].status',
      },
    })
    const left = await status('agent', { phase: 'up', conditions: [condition('Ready', 'True')] })
    t.same(
      left.body.status.conditions.map((each: Body) => each.type),
      ['Ready', 'Fenced'],
    )
    t.same(left.body.status, {
      phase: 'up',
      tags: ['b'],
      seen: { n2: 'yes' },
      conditions: left.body.status.conditions,
    })
    t.equal(left.body.spec.size, 1)
    const entry = left.body.metadata.managedFields.find((each: Body) => each.manager === 'agent')
    t.match(entry, { operation: 'Apply', subresource: 'status' })
    const same = await status('agent', { phase: 'up', conditions: [condition('Ready', 'True')] })
    t.equal(
      same.body.metadata.resourceVersion,
      left.body.metadata.resourceVersion,
      'the same again is no change',
    )
  })

  await t.test(
    'fields of preserved maps stay, strategic merge patch is not for custom resources',
    async t => {
      const name = fresh('w')
      await api.post(all, widget(name, { spec: { size: 1 } }))
      const { body } = await api.patch(
        `${all}/${name}/status`,
        { status: { free: { any: [1, { x: null }] }, gone: 1 } },
        MERGE_PATCH,
      )
      t.same(Object.keys(body.status), ['free'])
      t.match(await api.patch(`${all}/${name}`, { spec: { size: 2 } }, STRATEGIC_PATCH), {
        code: 415,
        body: { reason: 'UnsupportedMediaType' },
      })
    },
  )

  await t.test('items of lists name their kind', async t => {
    await api.post(all, widget(fresh('w'), { spec: { size: 1 } }))
    t.match((await api.get(all)).body.items[0], { kind: 'Widget', apiVersion })
  })

  await t.test('without its definition it is not served any more', async t => {
    await api.delete(`${CRDS}/${definition.metadata.name}`)
    await until(async () => ((await api.get(all)).code === 404 ? true : undefined))
    t.equal((await api.get(all)).code, 404)
  })
}
