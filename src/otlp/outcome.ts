/**
 * What became of one export. The Collector's word decides; a missing word is `retry`. `unseen`: nothing of it can have been
 * taken, for no connection was made. Where it is missing nobody knows: behind one Collector there may be several stores, and
 * it answers with the word of the worst, also 401, 429 or 503, when another has taken the data.
 */
export type Outcome =
  | { status: "accepted" }
  /** Taken in, but `rejected` items were thrown away by the receiver. Never resent. */
  | { status: "partly_rejected"; rejected: number; reason: string }
  /** 429, 5xx, network, our own deadline. `afterMs` is the receiver's Retry-After. */
  | { status: "retry"; reason: string; afterMs?: number; unseen?: true }
  /** 401, 403: kept, and the user is told once. */
  | { status: "unauthorized"; reason: string }
  /** 413: halve and send again. */
  | { status: "too_large"; reason: string }
  /** 400 and the like: this request will never be taken. */
  | { status: "refused"; reason: string };
