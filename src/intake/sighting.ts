/** Who a session's user is, as its agent's own telemetry says. */

/** What one batch says of one session: at least one of the three. */
export type Sighting = { sessionId: string; email?: string; userId?: string; organizationId?: string };

/** The attributes of interest of one record (a log record, a data point, a span) and of its resource. Later ones go first. */
export type Told = ReadonlyMap<string, string>;

/** The agents' names for one thing, the better ones first. */
const NAMES = {
  sessionId: ["session.id", "conversation.id", "gen_ai.conversation.id"],
  email: ["user.email"],
  userId: ["user.id", "user.account_uuid", "user.account_id"],
  organizationId: ["organization.id"],
} as const;

const WANTED: ReadonlySet<string> = new Set(Object.values(NAMES).flat());
const MAX_LENGTH = 256;

export function isWanted(key: string): boolean {
  return WANTED.has(key);
}

/** One sighting for each session of a batch; what is said again later counts, and an empty value says nothing. */
export function sightingsOf(records: Iterable<readonly Told[]>): Sighting[] {
  const found = new Map<string, Sighting>();
  for (const record of records) {
    // By whatever name a record calls its session: that of its resource is another's, then.
    const sessionId = record.map((attributes) => valueOf([attributes], NAMES.sessionId)).find(Boolean);
    if (sessionId === undefined) continue;
    const email = valueOf(record, NAMES.email);
    const userId = valueOf(record, NAMES.userId);
    const organizationId = valueOf(record, NAMES.organizationId);
    if ((email ?? userId ?? organizationId) === undefined) continue;
    found.set(sessionId, {
      ...found.get(sessionId),
      sessionId,
      ...(email === undefined ? {} : { email }),
      ...(userId === undefined ? {} : { userId }),
      ...(organizationId === undefined ? {} : { organizationId }),
    });
  }
  return [...found.values()];
}

function valueOf(record: readonly Told[], names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const attributes of record) {
      const value = attributes.get(name)?.trim();
      if (value !== undefined && isUsable(value)) return value;
    }
  }
  return undefined;
}

function isUsable(value: string): boolean {
  return value !== "" && value.length <= MAX_LENGTH && !/\p{Cc}/u.test(value);
}
