// Writes docs/telemetry.md from the registry in src/registry/. After a change there: run it, then oxfmt. A test compares.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { code, table } from "./markdown.mjs";
import { registry } from "./registry.mjs";

/** The page as Markdown, not yet formatted. */
export async function telemetryPage() {
  const { ATTRIBUTES, RESOURCE_ATTRIBUTES, IDENTITY_ATTRIBUTES, METRIC_ATTRIBUTES, INSTRUMENTS } = await registry();
  const facts = [...ATTRIBUTES].map(([name, fact]) => ({ name, ...fact }));
  const onSpans = facts.filter(({ on }) => on.some((carrier) => !carrier.endsWith("metric")));
  const metrics = Object.entries(INSTRUMENTS).map(([name, { kind, unit, description }]) => [
    code(name),
    `${kind}${unit === "" ? "" : `, ${code(unit)}`}`,
    METRIC_ATTRIBUTES.get(name).map(code).join(", "),
    description,
  ]);
  return `# Everything that can leave the machine

Written by \`npm run telemetry-doc\` from the registry in the code; tests hold what recorded sessions really send against it. Names outside
\`hookspan.\` are those of the [OpenTelemetry semantic conventions](https://opentelemetry.io/docs/specs/semconv/), core 1.44.0 and GenAI as of
September 2026. How metrics behave, and their names in Prometheus: [Metrics](metrics.md).

## Attributes of spans

A session, a run, a model call, a tool call, a subagent, the run of a hook and a compaction are spans. Attributes marked **content** are text of
the user, the agent or a program: they leave the machine only with \`capture\` set to \`preview\` (200 characters of a prompt, 500 of the rest) or
\`full\` (60,000), with secrets taken out; by default none does.

${table(
  ["attribute", "type", "on", "what"],
  onSpans.map(({ name, type, on, brief, content }) => [
    code(name),
    type,
    spans(on),
    content ? `**content**: ${brief}` : brief,
  ]),
)}

\`hookspan doctor\` sends one span more, \`hookspan doctor\`, which has no attribute and a trace of its own.

## Attributes of the resource

${table(
  ["attribute", "on", "what"],
  Object.entries(RESOURCE_ATTRIBUTES).map(([name, { on, brief }]) => [code(name), on, brief]),
)}

Only where \`identity\` is configured, and on spans only ([Identity](identity.md)):

${table(
  ["attribute", "what"],
  Object.entries(IDENTITY_ATTRIBUTES).map(([name, { brief }]) => [code(name), brief]),
)}

Beside them stand the keys of your own \`resource\` configuration.

## Metrics

No session, run, call, path or free text is an attribute of a metric.

${table(["metric", "kind, unit", "attributes", "what"], metrics)}
`;
}

function spans(on) {
  const carriers = on.filter((carrier) => !carrier.endsWith("metric"));
  return carriers.length === 7 ? "all" : carriers.join(", ");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../docs/telemetry.md", import.meta.url), await telemetryPage());
}
