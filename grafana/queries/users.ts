/**
 * Whose machine it is. `user.id` may be set or change at any time, so it must not be part of what a series is: a new name would
 * begin new series that carry the old totals. Prometheus keeps it on `target_info`, which is asked here for the same time as
 * the figures themselves.
 */

export const USER = "user_id";

/**
 * Leaves of `expr` what comes from machines of the users that are chosen; with All, everything. `expr`: series that have
 * their `instance` yet. `window`: the time that they are looked at over, as a range (`[6h]`, `[1h] offset -1h`).
 */
export function ofUsers(expr: string, window: string): string {
  return `${expr} unless on (instance) (${owners(window)} unless on (instance, ${USER}) ${heard(window, `,${USER}=~"$user"`)})`;
}

/** By user, what `total` has by instance. `window` as above. */
export function byUser(total: string, window: string): string {
  return `sum by (${USER}) (${total} * on (instance) group_left (${USER}) group by (instance, ${USER}) (${owners(window)}))`;
}

/**
 * One user for each machine that reported in `window`, so that nothing counts twice: the name under which it reported most, and
 * none only where there was none.
 */
function owners(window: string): string {
  const [named, any] = [`,${USER}!=""`, ""].map((matcher) => `sum by (instance, ${USER}) (${heard(window, matcher)})`);
  return `topk by (instance) (1, ${named} or on (instance) ${any})`;
}

function heard(window: string, matcher: string): string {
  return `count_over_time(target_info{job=~"hookspan/.+"${matcher}}${window})`;
}
