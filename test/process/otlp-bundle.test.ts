import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exporterOptions, spanBatch } from "../support/otlp-exporter.ts";
import { createOtlpRecorder } from "../support/otlp-recorder.ts";

/** A program as the bridge is one: a single CJS file. It leaves its outcome in a file and is not told to end. */
const PROGRAM = `
  import { writeFileSync } from "node:fs";
  import { createExporter } from "./src/otlp/exporter.ts";
  const big = (_, value) => (typeof value === "string" && /^\\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value);
  const { options, batch } = JSON.parse(process.argv[2], big);
  const exporter = createExporter(options);
  exporter.sendSpans([batch]).then((outcome) => writeFileSync(process.argv[3], JSON.stringify(outcome)));
`;

let directory: string;
let program: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hookspan-bundle-"));
  program = join(directory, "program.cjs");
  await build({
    stdin: {
      contents: PROGRAM,
      resolveDir: fileURLToPath(new URL("../..", import.meta.url)),
      loader: "ts",
    },
    outfile: program,
    // As scripts/build.mjs bundles.
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    mainFields: ["module", "main"],
    supported: { "dynamic-import": false },
    logLevel: "warning",
  });
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

test.for([
  ["taken", {}, "accepted"],
  ["partly taken", { body: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"old"}}' }, "partly_rejected"],
  ["not taken", { status: 503, headers: { "retry-after": "3600" } }, "retry"],
  ["cut off", { manner: "reset" }, "retry"],
  ["never answered", { manner: "silence" }, "retry"],
] as const)(
  "bundled, with hostile variables around it: %s; it prints nothing and ends without being told",
  async ([, answer, status]) => {
    const recorder = await createOtlpRecorder();
    recorder.answerWith(answer);
    const options = exporterOptions(recorder.endpoints, {
      timeoutMs: status === "retry" ? 300 : 10_000,
    });
    const outcome = join(directory, "outcome.json");
    const argv = [program, stringify({ options, batch: spanBatch() }), outcome];
    const env = {
      PATH: process.env["PATH"],
      OTEL_LOG_LEVEL: "all",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
      OTEL_EXPORTER_OTLP_HEADERS: "x-project=theirs",
      OTEL_EXPORTER_OTLP_COMPRESSION: "nonsense",
    };
    const printed = await promisify(execFile)(process.execPath, argv, { env });
    await recorder.close();
    expect(printed).toMatchObject({ stdout: "", stderr: "" });
    expect(JSON.parse(await readFile(outcome, "utf8"))).toMatchObject({ status });
    expect(recorder.requests.map(({ path, headers }) => [path, headers["x-project"]])).toEqual([
      ["/v1/traces", undefined],
    ]);
  },
);

function stringify(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
}
