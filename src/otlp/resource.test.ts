import { expect, test } from "vitest";
import { createResources } from "./resource.ts";

const resources = createResources({
  instanceId: "an-instance",
  osType: "darwin",
  userResource: { "deployment.environment.name": "prod", team: "blue", "service.name": "mine" },
  version: "9.8.7",
});

const OF_METRICS = {
  "deployment.environment.name": "prod",
  team: "blue",
  "service.name": "codex",
  "service.namespace": "hookspan",
  "service.instance.id": "an-instance",
  "telemetry.sdk.name": "opentelemetry",
  "telemetry.sdk.language": "nodejs",
  "telemetry.sdk.version": "2.12.0",
  "telemetry.distro.name": "hookspan",
  "telemetry.distro.version": "9.8.7",
};

test.for([
  ["metrics: nothing that an update could change but hookspan's own", resources.forMetrics("codex"), OF_METRICS],
  ["spans", resources.forSpans("codex", "0.99.1"), { ...OF_METRICS, "service.version": "0.99.1", "os.type": "darwin" }],
  ["spans of an unknown version", resources.forSpans("codex"), { ...OF_METRICS, "os.type": "darwin" }],
  [
    "spans of a user, who has written a key of his own",
    resources.forSpans("codex", undefined, { "user.id": "u", team: "red" }),
    { ...OF_METRICS, "user.id": "u", "os.type": "darwin" },
  ],
] as const)("%s", ([, resource, attributes]) => {
  expect(resource.attributes).toEqual(attributes);
});

test("one object for each kind, agent and version", () => {
  expect(resources.forSpans("codex", "1")).toBe(resources.forSpans("codex", "1"));
  expect(resources.forMetrics("codex")).toBe(resources.forMetrics("codex"));
  const distinct = [
    resources.forMetrics("codex"),
    resources.forMetrics("hermes"),
    resources.forSpans("codex"),
    resources.forSpans("codex", "1"),
    resources.forSpans("codex", "2"),
    resources.forSpans("hermes", "1"),
    resources.forSpans("hermes", "1", { "user.id": "a" }),
    resources.forSpans("hermes", "1", { "user.id": "b" }),
  ];
  expect(new Set(distinct).size).toBe(distinct.length);
});
