import type { Outcome } from "./outcome.ts";

/** From the best to the worst: how much a caller has to do before all of it is where it belongs. */
const ORDER = [
  "accepted",
  "partly_rejected",
  "refused",
  "too_large",
  "unauthorized",
  "retry",
] as const satisfies Outcome["status"][];

/** The worse of two outcomes of one task; of two partial successes the sum, of two equals the first. */
export function worstOutcome(a: Outcome, b: Outcome): Outcome {
  if (a.status === "partly_rejected" && b.status === "partly_rejected")
    return { ...a, rejected: a.rejected + b.rejected };
  return ORDER.indexOf(b.status) > ORDER.indexOf(a.status) ? b : a;
}
