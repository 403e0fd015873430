/**
 * Takes secrets out of text. It knows tokens by their form and values by the name before them, and rather takes too much than too
 * little, but common words (max_tokens, keyboard, a commit's hash) stay.
 *
 * Time grows with the text only: a pattern that begins anywhere ends with something optional or bounded, so no scan fails
 * after a long way and starts again one character later.
 */

const REDACTED = "[redacted]";

/** `name=value`, `"name": "value"`, also inside JSON that is itself a JSON string. */
const SEPARATOR = String.raw`\\{0,3}["'\x60]?\]?\s{0,4}(?::=|=>|[:=])\s{0,4}`;
const VALUE = [
  String.raw`"[^"\\]*(?:\\[\s\S][^"\\]*)*"?`,
  String.raw`'[^'\\]*(?:\\[\s\S][^'\\]*)*'?`,
  String.raw`\\{1,3}"[^"]*"?`,
  String.raw`\\{1,3}'[^']*'?`,
  String.raw`[^\s"'\x60]{3,}`,
].join("|");
/** Words that stand in a value's place in source code and documents. */
const NO_SECRET = String.raw`(?!(?:string|str|boolean|bool|null|undefined|none|true|false)(?:[\s,;|)}\]]|$))`;

const SECRET_NAME = [
  "passw(?:or)?d",
  "passphrase",
  "secret",
  "token",
  "credentials?",
  "api[_-]?key",
  "(?:access|account|auth|encryption|private|secret|signing)[_-]?key",
  "accesssignature",
  "_pass",
  "_pwd",
].join("|");

/** A boundary of words, or the `\n` of JSON, whose letter would hide the boundary. */
const START = String.raw`(?:\b|(?<=\\[nrt]))`;

/** Tokens by their form. Those that look like hyphenated words must hold a digit, as all real ones do. */
const TOKEN = [
  String.raw`sk-(?=[A-Za-z0-9_-]{0,60}\d)[A-Za-z0-9_-]{16,}`,
  "[rs]k_(?:live|test)_[A-Za-z0-9]{10,}",
  "gh[oprsu]_[A-Za-z0-9]{20,}",
  "github_pat_[A-Za-z0-9_]{20,}",
  "glpat-[A-Za-z0-9_-]{20,}",
  String.raw`(?:AKIA|ASIA)[A-Z0-9]{16}\b`,
  "(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}",
  "AIza[A-Za-z0-9_-]{35}",
  String.raw`ya29\.[A-Za-z0-9_-]{20,}`,
  "(?:npm|hf)_[A-Za-z0-9]{30,}",
  // JSON Web Tokens, and any other JSON object in base64url.
  String.raw`eyJ[A-Za-z0-9_-]{17,}(?:\.[A-Za-z0-9_-]+){0,4}`,
].join("|");

const HEADER_NAME = "(?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,30}(?:key|token|secret)";
const KEY_BLOCK = "[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----";

/** In this order: what stands first is taken whole before a later pattern could take a part of it. */
const RULES: readonly [pattern: RegExp, replacement: string][] = [
  // A block that is cut off is a secret to its end.
  [new RegExp(String.raw`-----BEGIN ${KEY_BLOCK}[\s\S]*?(?:-----END ${KEY_BLOCK}|$)`, "g"), REDACTED],
  // URLs and connection strings, also with a password that should have been escaped. The user `git` alone is no secret.
  [/:\/\/(?!git@)(?:[^\s/?#"'<>]+|[^\s/:"'<>]{1,64}:[^\s/"'<>]+)@/g, `://${REDACTED}@`],
  [/\b(hooks\.slack\.com\/)[A-Za-z0-9_/-]+/g, `$1${REDACTED}`],
  // Headers, up to the end of the line or of the string that holds them.
  [
    new RegExp(String.raw`(${START}(?:${HEADER_NAME})\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?)[^\r\n"'\\]+`, "gi"),
    `$1${REDACTED}`,
  ],
  // Options of commands.
  [new RegExp(String.raw`(--[a-z-]{0,30}?(?:${SECRET_NAME})\s{1,4})(?!-)(?:${VALUE})`, "gi"), `$1${REDACTED}`],
  [/(\s(?:-u|--user|--proxy-user)[ =]?\\{0,3}["']?[^\s:/"']{1,64}:)[^\s"']+/g, `$1${REDACTED}`],
  // Assignments by name: NAME_KEY=... as in environments, and the usual names in any case.
  [new RegExp(String.raw`(_KEY${SEPARATOR})(?:${VALUE})`, "g"), `$1${REDACTED}`],
  [new RegExp(String.raw`((?:${SECRET_NAME})${SEPARATOR})${NO_SECRET}(?:${VALUE})`, "gi"), `$1${REDACTED}`],
  [new RegExp(`${START}(?:${TOKEN})`, "g"), REDACTED],
  [
    new RegExp(String.raw`(${START}bearer\s{1,4})(?=[A-Za-z._~+/=-]{0,60}\d)[A-Za-z0-9._~+/=-]{8,}`, "gi"),
    `$1${REDACTED}`,
  ],
];

/** Puts `[redacted]` in the place of each secret. */
export function redact(text: string): string {
  return RULES.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}
