/**
 * How a client finds the intake of a state directory: `bridge.json` says where it listens and holds the token. The file is
 * believed only if nobody else could have written or read it, and the token is told only to a server that knows it already.
 */

import { randomBytes } from "node:crypto";
import { get } from "node:http";
import { join } from "node:path";

import * as z from "zod";

import type { Disk } from "../store/disk.ts";
import { ifPresent } from "../store/disk.ts";
import { isLoopbackAddress, isSame } from "./guard.ts";
import { proofOf } from "./proof.ts";

/** Where to post, and what to say: `Authorization: Bearer <token>`. */
export type IntakeAddress = { url: string; token: string; instance: string };

export type Discovered =
  | ({ status: "found" } & IntakeAddress)
  /** No bridge that takes requests is announced, or the file makes no sense. */
  | { status: "none" }
  /** The file cannot be trusted: it is another user's, a link, or open to others. */
  | { status: "refused"; reason: string };

export type Verified =
  | ({ status: "verified" } & IntakeAddress)
  | { status: "none" }
  | { status: "refused"; reason: string }
  /** Somebody else listens there, or nobody. No token was told. */
  | { status: "stranger" };

const schema = z.looseObject({ url: z.string(), token: z.string().min(1), instance: z.string().min(1) });
const answer = z.looseObject({ instance: z.string(), proof: z.string() });

const WAIT_MS = 2000;
const MAX_ANSWER_BYTES = 4096;

/** Reads `bridge.json` of a state directory. Never throws. */
export function discover(disk: Pick<Disk, "facts" | "read">, home: string): Discovered {
  const path = join(home, "bridge.json");
  try {
    const facts = ifPresent(() => ({ file: disk.facts(path), directory: disk.facts(home) }));
    if (facts === undefined) return { status: "none" };
    const reason = mistrust(facts.file);
    if (reason !== undefined) return { status: "refused", reason: `${path} ${reason}` };
    if (isAnothers(facts.directory)) return { status: "refused", reason: `${home} belongs to another user` };
    const { url, token, instance } = schema.parse(JSON.parse(disk.read(path).toString()));
    return isLocal(url) ? { status: "found", url, token, instance } : { status: "none" };
  } catch {
    return { status: "none" };
  }
}

/** Finds the intake and has it prove that it is the one that wrote the file, before anybody tells it the token. Never throws. */
export async function verified(disk: Pick<Disk, "facts" | "read">, home: string): Promise<Verified> {
  const found = discover(disk, home);
  if (found.status !== "found") return found;
  const nonce = randomBytes(24).toString("base64url");
  const { url, token, instance } = found;
  const told = await healthOf(`${url}/health?nonce=${nonce}`);
  const expected = proofOf(token, Number(new URL(url).port), nonce);
  if (told?.instance !== instance || !isSame(told.proof, expected)) return { status: "stranger" };
  return { status: "verified", url, token, instance };
}

function mistrust({ kind, uid, mode }: ReturnType<Disk["facts"]>): string | undefined {
  if (kind !== "file") return "is no regular file";
  if (isAnothers({ uid })) return "belongs to another user";
  return process.platform === "win32" || (mode & 0o077) === 0 ? undefined : "is open to other users";
}

function isAnothers({ uid }: { uid: number }): boolean {
  return process.platform !== "win32" && uid !== process.getuid?.();
}

/** The token never leaves the machine, whatever the file says. */
function isLocal(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, port, pathname } = new URL(url);
  return (
    protocol === "http:" && port !== "" && pathname === "/" && isLoopbackAddress(hostname.replace(/^\[(.*)\]$/, "$1"))
  );
}

function healthOf(url: string): Promise<{ instance: string; proof: string } | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: WAIT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (text.length > MAX_ANSWER_BYTES) request.destroy();
      });
      response.on("end", () => resolve(response.statusCode === 200 ? healthIn(text) : undefined));
      response.on("error", () => resolve(undefined));
    });
    // A server that drips has no more time than one that is silent.
    const timer = setTimeout(() => request.destroy(), WAIT_MS);
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
    request.on("close", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

function healthIn(text: string): { instance: string; proof: string } | undefined {
  try {
    return answer.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
