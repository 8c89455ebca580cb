/** What happens, as log lines and counters: the one place that knows both. */
import { sayError } from '#kit/errors.ts'
import type { Log } from '#kit/log.ts'
import type { LeaderReport } from '../kube/leader.ts'
import type { ReflectorReport } from '../kube/reflector.ts'
import { isAbsent } from '../kube/request.ts'
import type { ControllerReport } from '../runtime/controller.ts'
import type { ManagerReport } from '../runtime/manager.ts'
import type { Readiness } from '../runtime/readiness.ts'
import type { Metrics } from './metrics.ts'

export interface Teller {
  reflector(onAbsent: () => void): ReflectorReport
  readonly controller: ControllerReport
  readonly leader: LeaderReport
  readonly manager: ManagerReport
  readonly eventFailed: (error: unknown) => void
  readonly metricsText: () => string
}

export function createTeller(log: Log, metrics: Metrics, readiness: Readiness): Teller {
  metrics.gauge('hawser_coordinator_leading', 0)
  /** Kinds that are reported as failing: the first failure is worth a line, its end too, what is between is not. */
  const failing = new Set<string>()

  return {
    reflector: onAbsent => ({
      synced(name) {
        const first = !readiness.isReady(name)
        readiness.set(name)
        if (first) log.info({ kind: name }, 'kind is synced')
      },
      watching(name) {
        if (failing.delete(name)) log.info({ kind: name }, 'kind is watched again')
      },
      failed(name, attempt, waitMs, error) {
        metrics.count('hawser_coordinator_reflector_failures_total', { kind: name })
        if (isAbsent(error)) onAbsent()
        // A kind that is not there yet is how every first start begins.
        const level = failing.has(name) ? 'debug' : isAbsent(error) ? 'info' : 'warn'
        failing.add(name)
        log[level](
          { kind: name, attempt, waitMs, reason: sayError(error) },
          'list or watch ended with an error',
        )
      },
    }),
    controller: {
      settled(controller) {
        metrics.count('hawser_coordinator_reconciles_total', { controller, result: 'done' })
      },
      failed(controller, key, attempt, error) {
        metrics.count('hawser_coordinator_reconciles_total', { controller, result: 'failed' })
        log[attempt === 1 ? 'warn' : 'debug'](
          { controller, key, attempt, err: error },
          'work on a key failed',
        )
      },
    },
    leader: {
      leading(me) {
        metrics.gauge('hawser_coordinator_leading', 1)
        log.info({ me }, 'leading')
      },
      lost(me) {
        metrics.gauge('hawser_coordinator_leading', 0)
        log.info({ me }, 'no longer leading')
      },
      following(holder) {
        log.info({ holder }, 'standing by')
      },
      failed(error) {
        metrics.count('hawser_coordinator_lease_failures_total', {})
        log.warn({ reason: sayError(error) }, 'could not look at the Lease')
      },
    },
    manager: {
      started: part => log.debug({ part }, 'part started'),
      stopped: part => log.debug({ part }, 'part stopped'),
    },
    eventFailed: error => log.debug({ reason: sayError(error) }, 'could not write an event'),
    metricsText() {
      metrics.gauge('hawser_coordinator_resident_bytes', process.memoryUsage.rss())
      return metrics.text()
    },
  }
}
