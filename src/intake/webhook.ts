/**
 * Hermes' outbound webhooks: what its shell hooks would get on stdin, posted and signed. The signature stands in the place of
 * the token, and covers the time and the delivery's id, so that what was overheard cannot be sent again.
 */

import { createHmac, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { formatEnvelope } from "../event/envelope.ts";
import { putEnvelopeAside } from "../spool/put-aside.ts";
import type { Disk } from "../store/disk.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import type { Body } from "./body.ts";
import { createDeliveries, deliveryKey } from "./deliveries.ts";
import { typeRefusal } from "./event-body.ts";
import { isSame } from "./guard.ts";
import { ACCEPTED, refused, type Reply } from "./reply.ts";
import { privateText } from "./token.ts";
import { FRESH_MS, webhookIn, type WebhookBody } from "./webhook-body.ts";

export type Webhook = {
  /** What the head of a request says against it: without a signature nothing of the body is read. */
  screen(request: IncomingMessage): Reply | undefined;
  /** Says 202 once the event would survive a power cut; to one that was taken before, too. */
  serve(request: IncomingMessage, body: Body): Promise<Reply>;
  /** Resolves when nothing is on its way to the disk. */
  settled(): Promise<void>;
};

type Deps = {
  disk: Disk;
  directory: Pick<StateDirectory, "spool" | "deliveries">;
  /** The file that holds the secret; undefined: nothing is taken. */
  secretFile: string | undefined;
  /** Milliseconds since the epoch. */
  nowMs: () => number;
};

const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;

export function createWebhook({ disk, directory, secretFile, nowMs }: Deps): Webhook {
  const deliveries = createDeliveries(disk, directory, nowMs);
  const underWay = new Map<string, Promise<Reply>>();

  return {
    screen({ headers }) {
      if (secret() === undefined) {
        const text =
          "no webhooks are taken: intake.hermesSecretFile names no file of the user's own that others cannot read";
        return refused(401, text);
      }
      return signatureIn(headers) === undefined ? unsigned() : typeRefusal(headers["content-type"]);
    },
    async serve({ headers }, { sent, plain }) {
      const key = secret();
      const given = signatureIn(headers);
      if (key === undefined || given === undefined) return unsigned();
      if (!isSame(given, createHmac("sha256", key).update(sent).digest("hex"))) return unsigned();
      const read = webhookIn(plain, headers, nowMs());
      if (read.status === "refused") return read.reply;
      // Both of two that come at once are told what became of the first.
      const delivery = deliveryKey(read.deliveryId);
      const same = underWay.get(delivery);
      if (same !== undefined) return same;
      const reply = deliveries.has(delivery) ? Promise.resolve(ACCEPTED) : take(delivery, read, plain);
      underWay.set(delivery, reply);
      try {
        return await reply;
      } finally {
        underWay.delete(delivery);
      }
    },
    async settled() {
      await Promise.allSettled(underWay.values());
    },
  };

  async function take(delivery: string, { atNs }: WebhookBody, payload: Uint8Array): Promise<Reply> {
    const id = deliveries.envelopeId(delivery, randomUUID());
    // A sender whose clock is ahead shall not put its events after all that is still to come.
    const receivedNs = BigInt(nowMs()) * 1_000_000n;
    const timeNs = atNs < receivedNs ? atNs : receivedNs;
    try {
      // A file of its own: its name tells after a crash that the delivery was taken.
      const envelope = formatEnvelope({ id, agent: "hermes", timeNs, env: {}, payload });
      await putEnvelopeAside(disk, directory.spool, id, envelope);
    } catch {
      return refused(503, "the state directory would not take it (is its disk full?); try again later", {
        "retry-after": "5",
      });
    }
    await deliveries.remember(delivery, Number(atNs / 1_000_000n) + FRESH_MS);
    return ACCEPTED;
  }

  /** Read each time: a new secret counts at once. */
  function secret(): string | undefined {
    if (secretFile === undefined) return undefined;
    try {
      const text = privateText(disk, secretFile);
      return text === "" ? undefined : text;
    } catch {
      return undefined;
    }
  }
}

function signatureIn(headers: IncomingMessage["headers"]): string | undefined {
  const header = headers["x-hermes-signature-256"];
  return typeof header === "string" ? SIGNATURE.exec(header)?.[1]?.toLowerCase() : undefined;
}

function unsigned(): Reply {
  return refused(401, "X-Hermes-Signature-256 must be sha256= and the HMAC of the body with the secret of both sides");
}
