/** What the attacher does with an attachment, by its state. */
import t from 'tap'
import { ATTACHER_FINALIZER, nextStep } from './attacher.ts'

t.test('the next step of an attachment', t => {
  const finalizers = [ATTACHER_FINALIZER]
  t.equal(nextStep({ metadata: {} }), 'attached')
  t.equal(
    nextStep({ metadata: { finalizers }, status: { attached: false } }),
    'attached',
    'finalizer set, word missing',
  )
  t.equal(nextStep({ metadata: { finalizers }, status: { attached: true } }), undefined)
  const deletionTimestamp = '2026-01-01T00:00:00Z'
  t.equal(nextStep({ metadata: { finalizers, deletionTimestamp }, status: { attached: true } }), 'detached')
  t.equal(
    nextStep({ metadata: { finalizers: ['other'], deletionTimestamp } }),
    undefined,
    'somebody else holds it',
  )
  t.end()
})
