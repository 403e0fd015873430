/** Questions to a store over HTTP. */

/** What a store said: JSON with a status, or why there is none. */
export type Reply = { status: "answered"; code: number; text: string } | { status: "silent"; reason: string };

const WAIT_MS = 5000;

export async function ask(url: string, waitMs = WAIT_MS): Promise<Reply> {
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(waitMs),
    });
    return { status: "answered", code: response.status, text: await response.text() };
  } catch (error) {
    return { status: "silent", reason: reasonOf(error) };
  }
}

/** The value of a JSON text; undefined if it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `path` below `base`, which may have a path of its own. */
export function below(base: string, path: string): string {
  return `${base.replace(/\/+$/, "")}${path}`;
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error ? cause.message : String(cause);
}
