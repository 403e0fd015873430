/** Colours of a terminal. Node's own `styleText` came with 20.12, after the oldest Node that is supported. */

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof CODES;

/** Puts a style around a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

export function createPaint(color: boolean): Paint {
  return (style, text) => (color && text !== "" ? `\u001B[${CODES[style]}m${text}\u001B[0m` : text);
}

/** Colours only on a terminal that has them, and never against NO_COLOR (https://no-color.org). */
export function wantsColor(terminal: { isTTY?: boolean }, env: Record<string, string | undefined>): boolean {
  return terminal.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
