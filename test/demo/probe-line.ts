/** What a guest's probe says, one JSON object a line; all times are the guest's wall clock. */

export type ProbeLine =
  | { readonly kind: 'hello'; readonly at: number; readonly node: string; readonly bootId: string }
  /** The lines of /proc/drbd that tell states, as they are. */
  | { readonly kind: 'drbd'; readonly at: number; readonly text: string }
  /** Answers of the agent's socket (of the status only what does not change by itself); null: nobody answers there. */
  | { readonly kind: 'decisions' | 'status'; readonly at: number; readonly text: string | null }
  /** The CSI plugin's file of steps. */
  | { readonly kind: 'steps'; readonly at: number; readonly text: string }
  | { readonly kind: 'clock'; readonly at: number }

export type Heard = Exclude<ProbeLine, { readonly kind: 'clock' }>

/**
 * How far a guest's clock is ahead of ours. A line needs some time to come here, so what we see is the difference less
 * that time; the line that was quickest tells best.
 */
export function betterSkew(known: number | undefined, sentAt: number, receivedAt: number): number {
  const seen = sentAt - receivedAt
  return known === undefined ? seen : Math.max(known, seen)
}
