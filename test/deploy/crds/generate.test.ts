import t from 'tap'
import { crdFiles, staleFiles } from '../../../deploy/crds/generate.ts'
import { toYaml } from '../../../deploy/crds/yaml.ts'

t.test('the committed definitions are those that the schemas make', async t => {
  t.same([...crdFiles().keys()], ['hawsernodes.yaml', 'hawserclusters.yaml'])
  t.same(await staleFiles(), [], 'run: node deploy/crds/generate.ts')
})

t.test('YAML: what could be read as something else is quoted', async t => {
  t.equal(
    toYaml({
      plain: 'a word',
      number: 1,
      yes: 'yes',
      one: '1',
      colon: 'a: b',
      'key with: colon': '',
      none: null,
      list: ['a', { b: 1, c: [] }, ['x']],
      empty: {},
      deep: { er: { still: '#no comment' } },
    }),
    [
      'plain: a word',
      'number: 1',
      '"yes": "yes"',
      'one: "1"',
      'colon: "a: b"',
      '"key with: colon": ""',
      'none: null',
      'list:',
      '- a',
      '- b: 1',
      '  c: []',
      '- - x',
      'empty: {}',
      'deep:',
      '  er:',
      '    still: "#no comment"',
      '',
    ].join('\n'),
  )
})
