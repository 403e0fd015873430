import { isIP } from "node:net";

import { z } from "zod";

/** One source's settings: the keys of the configuration file, all optional. Messages say what is allowed. */
export type Settings = z.infer<typeof settingsSchema>;

const CAPTURE = ["none", "preview", "full"] as const;
const COMPRESSION = ["none", "gzip"] as const;
const LOG_LEVEL = ["error", "warn", "info", "debug"] as const;

/** An hour: beyond it a request that hangs would never be noticed. */
const MAX_TIMEOUT_MS = 3_600_000;
const MAX_AGE_DAYS = 3650;
/** Spans that wait for longer would look like spans that are lost. */
const MAX_WAIT_S = 600;

const text = z.string("a string").min(1, "a string that is not empty");
const url = z.string("a URL that begins with http:// or https://").superRefine(checkUrl);
const bytes = z.int("a whole number of bytes, at least 1").min(1, "a whole number of bytes, at least 1");
const glob = z
  .string("a string")
  .regex(/^(?:\/|~(?:\/|$)|\*\*)/, "a path that begins with /, ~ or **; *, ** and ? are wildcards");

const agentName = z
  .string("a string")
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "an agent as its hook names it, like claude-code");

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
const headerValue = z.string("a string").regex(/^[\t\x20-\x7e\x80-\xff]*$/, "one line of Latin-1 characters");
const resourceKey = z
  .string()
  .min(1)
  .refine((key) => !isOwnKey(key));

const serverName = z.string().regex(/^[^\p{Cc}]{1,128}$/u);
const displayName = z
  .string("a string")
  .regex(/^(?=.*\S)[^\p{Cc}]{1,128}$/u, "a name of at most 128 characters, on one line");

const timeoutAllowed = `milliseconds as a whole number, 1 to ${MAX_TIMEOUT_MS}`;
const waitAllowed = `seconds, 0 to ${MAX_WAIT_S}`;
const portAllowed = "a port, 1 to 65535, or 0 for any that is free";
const ageAllowed = `a number of days, more than 0, at most ${MAX_AGE_DAYS}`;

export const settingsSchema = z.strictObject(
  {
    endpoint: url.exactOptional(),
    endpoints: z
      .strictObject(
        { traces: url, metrics: url, logs: url.exactOptional() },
        "an object with the URLs traces and metrics",
      )
      .exactOptional(),
    headers: z.record(headerName, headerValue, "an object of header names and values").exactOptional(),
    headersFile: text.exactOptional(),
    headersCommand: text.exactOptional(),
    timeout: z.int(timeoutAllowed).min(1, timeoutAllowed).max(MAX_TIMEOUT_MS, timeoutAllowed).exactOptional(),
    compression: oneOf(COMPRESSION).exactOptional(),
    tls: z
      .strictObject(
        { ca: text.exactOptional(), cert: text.exactOptional(), key: text.exactOptional() },
        "an object with the paths ca, cert and key",
      )
      .exactOptional(),
    resource: z.record(resourceKey, z.string("a string"), "an object of attribute names and strings").exactOptional(),
    capture: oneOf(CAPTURE).exactOptional(),
    exclude: z.array(glob, "a list of paths with wildcards").exactOptional(),
    agents: z
      .array(agentName, "a list of agents, as their hooks name them")
      .min(1, "at least one agent")
      .exactOptional(),
    prices: text.exactOptional(),
    mcpNames: z
      .record(serverName, displayName, "an object of the names of MCP servers and those to show for them")
      .exactOptional(),
    instance: z
      .string("a string")
      .regex(/^[A-Za-z0-9._:-]{1,128}$/, "1 to 128 letters, digits, dots, colons, hyphens and underscores")
      .exactOptional(),
    identity: z
      .strictObject(
        {
          learn: z.boolean("true or false").exactOptional(),
          user: z
            .strictObject(
              { id: text.exactOptional(), email: text.exactOptional(), name: text.exactOptional() },
              "an object with id, email and name",
            )
            .exactOptional(),
          organization: text.exactOptional(),
          git: z.boolean("true or false").exactOptional(),
          host: z.boolean("true or false").exactOptional(),
          waitSeconds: z.number(waitAllowed).min(0, waitAllowed).max(MAX_WAIT_S, waitAllowed).exactOptional(),
        },
        "an object with learn, user, organization, git, host and waitSeconds",
      )
      .exactOptional(),
    intake: z
      .strictObject(
        {
          enabled: z.boolean("true or false").exactOptional(),
          host: z
            .string("an IP address")
            .refine((host) => isIP(host) !== 0, "an IP address")
            .exactOptional(),
          port: z.int(portAllowed).min(0, portAllowed).max(65_535, portAllowed).exactOptional(),
          hermesSecretFile: text.exactOptional(),
        },
        "an object with enabled, host, port and hermesSecretFile",
      )
      .exactOptional(),
    bounds: z
      .strictObject(
        {
          spoolBytes: bytes.exactOptional(),
          outboxBytes: bytes.exactOptional(),
          quarantineBytes: bytes.exactOptional(),
          payloadBytes: bytes.exactOptional(),
          ageDays: z.number(ageAllowed).gt(0, ageAllowed).max(MAX_AGE_DAYS, ageAllowed).exactOptional(),
        },
        "an object with bounds",
      )
      .exactOptional(),
    logLevel: oneOf(LOG_LEVEL).exactOptional(),
  },
  "an object",
);

/** The keys that an object at `path` of the settings may have; none where there is no such object. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = settingsSchema;
  for (const key of path) {
    const inner = schema instanceof z.ZodObject ? schema.shape[String(key)] : undefined;
    schema = inner instanceof z.ZodExactOptional ? inner.unwrap() : inner;
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Attributes that say which client this is: were they the user's to set, totals of several would become one series. */
export function isOwnKey(attribute: string): boolean {
  return /^(?:service\.(?:name|namespace|instance\.id)$|telemetry\.(?:sdk|distro)\.)/.test(attribute);
}

function oneOf<const Word extends string>(words: readonly Word[]) {
  return z.enum(words, `one of ${words.join(", ")}`);
}

function checkUrl(value: string, context: z.RefinementCtx): void {
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
    context.addIssue("a URL that begins with http:// or https://");
  } else if (parsed.username !== "" || parsed.password !== "") {
    context.addIssue("a URL without user and password, which belong into headers");
  }
}
