/** The longest text of a receiver that goes into a reason. */
const MAX_LENGTH = 200;

/** Parts of a header value that are as short as this are words such as Bearer, not secrets. */
const LONGEST_WORD = 6;

/** A receiver's or a socket's text as one line of at most 200 characters, without control characters. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, MAX_LENGTH);
}

/** Receivers may quote what they were sent: values of headers are masked, whole and in their parts. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => [secret, ...secret.split(/[\s=,;:]+/).filter((part) => part.length > LONGEST_WORD)])
    .filter((secret) => secret !== "")
    .reduce((masked, secret) => masked.replaceAll(secret, "***"), text);
}
