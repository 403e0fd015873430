import { expect, test } from "vitest";
import { connect, exporterOptions, spanBatch } from "../../test/support/otlp-exporter.ts";
import { RECORDER_CERTIFICATE, RECORDER_KEY } from "../../test/support/otlp-recorder.ts";
import { createExporter } from "./exporter.ts";
import type { Outcome } from "./outcome.ts";

test.for<[string, "server" | "mutual", object, Outcome["status"]]>([
  ["a known authority", "server", { ca: RECORDER_CERTIFICATE }, "accepted"],
  ["an unknown authority", "server", {}, "retry"],
  [
    "a client certificate",
    "mutual",
    { ca: RECORDER_CERTIFICATE, cert: RECORDER_CERTIFICATE, key: RECORDER_KEY },
    "accepted",
  ],
  ["a client certificate that is missing", "mutual", { ca: RECORDER_CERTIFICATE }, "retry"],
])("TLS with %s", async ([, kind, tls, status]) => {
  await using pair = await connect({ tls }, kind);
  const outcome = await pair.exporter.sendSpans([spanBatch()]);
  expect([outcome.status, pair.recorder.requests.length]).toEqual([status, status === "accepted" ? 1 : 0]);
});

test("a TLS file that cannot be read is told at once", () => {
  const options = exporterOptions(
    { traces: "https://127.0.0.1:1", metrics: "https://127.0.0.1:1" },
    { tls: { ca: "/no/such.pem" } },
  );
  expect(() => createExporter(options)).toThrow(
    "cannot read tls.ca from /no/such.pem: check the path in the configuration",
  );
});
