/**
 * The list of what has ended in a session, newest last, each key once. To look through thousands of keys for every event was
 * a fifth of all the work on a backlog, so the keys of a list are also kept as a set, which goes over to the next list: a
 * memory of what the lists say, and of nothing else.
 */

/** A duplicate beyond this many ended things of one session would be counted again. */
const ENDED_KEPT = 2048;

const keysOf = new WeakMap<readonly string[], Set<string>>();

export function includes(list: readonly string[], key: string): boolean {
  const keys = keysOf.get(list) ?? new Set(list);
  keysOf.set(list, keys);
  return keys.has(key);
}

/** The list with `key` as its newest. */
export function withNewest(list: readonly string[], key: string): string[] {
  const others = includes(list, key) ? list.filter((one) => one !== key) : list;
  const next = [...(others.length < ENDED_KEPT ? others : others.slice(1 - ENDED_KEPT)), key];
  const keys = keysOf.get(list);
  // The old list has lost its set: who asks it still, makes it a new one.
  keysOf.delete(list);
  if (keys === undefined) return next;
  for (const gone of others.slice(0, others.length - next.length + 1)) keys.delete(gone);
  keysOf.set(next, keys.add(key));
  return next;
}
