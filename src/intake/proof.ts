import { createHmac } from "node:crypto";

/**
 * How an intake shows that it knows the token, without telling it: whoever got its port after it is gone cannot. The port is
 * part of it, so that nobody can have another intake answer in its place. Hex.
 */
export function proofOf(token: string, port: number, nonce: string): string {
  return createHmac("sha256", token).update(`hookspan intake ${port} ${nonce}`).digest("hex");
}
