/** A real intake over a real state directory, without a bridge behind it: what it takes stays in the spool. */

import { EventEmitter, once } from "node:events";
import { request, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";

import { onTestFinished } from "vitest";

import { optional } from "../../src/event/optional.ts";
import type { Envelope } from "../../src/event/envelope.ts";
import type { IntakeAddress } from "../../src/intake/discovery.ts";
import { createIntake } from "../../src/intake/intake.ts";
import type { Destination } from "../../src/intake/pass-through.ts";
import type { Sighting } from "../../src/intake/sighting.ts";
import { createLog } from "../../src/log.ts";
import { createSpool, type Spool, type SpoolEntry } from "../../src/spool/spool.ts";
import { realDisk, type Disk } from "../../src/store/disk.ts";
import type { StateDirectory } from "../../src/store/state-directory.ts";
import { tempState } from "./temp-state.ts";

export type Answered = { status: number; headers: IncomingHttpHeaders; body: string };

/** `headers` replace those that a good client sends; undefined leaves one out. */
export type Asked = { headers?: Record<string, string | undefined>; body?: string | Uint8Array; method?: string };

/** Nobody listens on port 1. */
const NOWHERE = { traces: "http://127.0.0.1:1/v1/traces", metrics: "http://127.0.0.1:1/v1/metrics" };

export type TestIntake = {
  directory: StateDirectory;
  address: IntakeAddress;
  ask(path: string, asked?: Asked): Promise<Answered>;
  /** Sends bytes as they are; gives all that came back until the server closed. */
  raw(bytes: string): Promise<string>;
  /** What lies in the spool, oldest first. */
  taken(): Envelope[];
  close(): Promise<void>;
};

type Options = {
  directory?: StateDirectory;
  disk?: Disk;
  port?: number;
  payloadBytes?: number;
  host?: string;
  hermesSecretFile?: string;
  /** Where telemetry is passed on to, as the configuration has it now. */
  read?: () => Partial<Destination>;
  learn?: (sightings: readonly Sighting[]) => void;
};

export async function startIntake(options: Options = {}): Promise<TestIntake> {
  const { directory = tempState(), disk = realDisk, port = 0, payloadBytes = 2 ** 20, host = "127.0.0.1" } = options;
  const { read = () => ({}), learn = () => {} } = options;
  const intake = createIntake({
    disk,
    directory,
    config: {
      intake: { enabled: true, host, port, ...optional("hermesSecretFile", options.hermesSecretFile) },
      identity: { learn: true, user: {}, organization: undefined, git: false, host: false, waitMs: 0 },
      bounds: { spoolBytes: 2 ** 29, outboxBytes: 2 ** 29, quarantineBytes: 2 ** 26, payloadBytes, ageMs: 1e9 },
    },
    read: () => ({ endpoints: NOWHERE, headers: {}, timeoutMs: 10_000, tls: {}, ...read() }),
    learn,
    log: createLog({ level: "error", file: directory.log }),
  });
  const listening = new EventEmitter();
  const told = once(listening, "address");
  let address: IntakeAddress = { url: "", token: "", instance: "" };
  const open = intake.open({
    onListening: (listened) => {
      address = listened;
      listening.emit("address");
    },
    onActivity: () => {},
  });
  onTestFinished(() => open.close());
  await told;
  return {
    directory,
    address,
    ask: (path, asked) => ask(address, path, asked),
    raw: (bytes) => raw(Number(new URL(address.url).port), bytes),
    taken: () =>
      listed(directory).map(({ spool, entry }) => {
        const envelope = spool.read(entry, 0n);
        if (envelope.status !== "whole") throw new Error(`${entry.name} is ${envelope.status}`);
        return envelope.envelope;
      }),
    close: () => open.close(),
  };
}

function listed({ spool: path }: StateDirectory): { spool: Spool; entry: SpoolEntry }[] {
  const spool = createSpool(realDisk, path, { spoolBytes: 2 ** 29, payloadBytes: 2 ** 25, ageMs: 1e9 });
  return spool.list().entries.map((entry) => ({ spool, entry }));
}

/** One request of a good client, but for what is asked otherwise. */
export function ask(address: { url: string; token: string }, path: string, asked: Asked = {}): Promise<Answered> {
  const { body, method = body === undefined ? "GET" : "POST" } = asked;
  const usual = { authorization: `Bearer ${address.token}`, "content-type": "application/json" };
  const headers = Object.fromEntries(
    Object.entries({ ...usual, ...asked.headers }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  const { hostname, port } = new URL(address.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      void text(response).then(
        (answer) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer }),
        reject,
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.setEncoding("latin1").on("data", (part: string) => (said += part));
    socket.on("error", () => {});
    socket.on("close", () => resolve(said));
  });
}
