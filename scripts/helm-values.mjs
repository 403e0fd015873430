// Writes collector-config/fleet/helm, values for the official chart opentelemetry-collector, from the fleet's files: `npm run
// helm-values`. A test compares.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { parse, stringify } from "yaml";

const FLEET = new URL("../collector-config/fleet/", import.meta.url);
const COLLECTOR_VERSION = "0.159.0";
const GATEWAYS = 2;
const QUEUE = "/var/lib/otelcol/queue";

/** The text of each file, by its name. */
export function helmValues() {
  return new Map([
    ["edge.values.yaml", head("edge") + stringify({ ...common("edge"), ...edge() }, { lineWidth: 0 })],
    ["gateway.values.yaml", head("gateway") + stringify({ ...common("gateway"), ...gateway() }, { lineWidth: 0 })],
  ]);
}

function head(tier) {
  return `# Values for the chart opentelemetry-collector (0.170.0), written by \`npm run helm-values\` from fleet/${tier}.yaml:
#   helm install hookspan-${tier} open-telemetry/opentelemetry-collector --version 0.170.0 -f ${tier}.values.yaml
# What is your own (addresses, sizes, the type of the service) goes into a second file, -f mine.yaml. It needs the secrets that
# extraVolumes names.
`;
}

function edge() {
  const gateways = Array.from({ length: GATEWAYS }, (_, n) => `hookspan-gateway-${n}.hookspan-gateway:4317`);
  return {
    extraEnvs: [
      ...places(),
      // As many as there are gateways, in the same order on each edge.
      { name: "GATEWAYS", value: `[${gateways.join(", ")}]` },
      { name: "METRICS_OTLP", value: "http://mimir-nginx.mimir/otlp" },
    ],
    extraVolumes: [secret("users", "hookspan-users"), secret("edge", "hookspan-edge-tls"), fleetSecret()],
    extraVolumeMounts: ["users", "edge", "fleet"].map(mount).concat(queueMount()),
    ports: ports({ "otlp-http": true }),
    alternateConfig: shipped("edge.yaml"),
  };
}

function gateway() {
  return {
    extraEnvs: [
      ...places(),
      { name: "GATEWAY_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "TEMPO_OTLP", value: "tempo.tempo:4317" },
      { name: "TEMPO_INSECURE", value: "true" },
      { name: "METRICS_OTLP", value: "http://mimir-nginx.mimir/otlp" },
    ],
    extraVolumes: [fleetSecret()],
    extraVolumeMounts: [mount("fleet"), queueMount()],
    ports: ports({ "otlp-http": false }),
    // Headless, so that each pod has a name of its own.
    service: { clusterIP: "None" },
    alternateConfig: shipped("gateway.yaml"),
  };
}

function common(tier) {
  return {
    mode: "statefulset",
    fullnameOverride: `hookspan-${tier}`,
    replicaCount: GATEWAYS,
    image: { repository: "otel/opentelemetry-collector-contrib", tag: COLLECTOR_VERSION },
    command: { name: "otelcol-contrib" },
    // The names are those of this version already.
    rewriteDeprecatedComponentNames: false,
    serviceAccount: { automountServiceAccountToken: false },
    // The group is that of the queue's volume.
    podSecurityContext: {
      runAsNonRoot: true,
      runAsUser: 10001,
      runAsGroup: 10001,
      fsGroup: 10001,
      seccompProfile: { type: "RuntimeDefault" },
    },
    securityContext: {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    },
    resources: { requests: { cpu: "250m", memory: "512Mi" }, limits: { memory: "1Gi" } },
    podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
    statefulset: {
      volumeClaimTemplates: [
        {
          metadata: { name: "queue" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "5Gi" } } },
        },
      ],
    },
  };
}

function shipped(file) {
  return parse(readFileSync(new URL(file, FLEET), "utf8"));
}

function places() {
  return [
    { name: "COLLECTOR_HOST", value: "0.0.0.0" },
    { name: "COLLECTOR_QUEUE", value: QUEUE },
  ];
}

/** Of the chart's ports, all that these files do not open are closed. */
function ports(own) {
  const closed = ["jaeger-compact", "jaeger-thrift", "jaeger-grpc", "zipkin"].map((name) => [name, false]);
  const all = { otlp: true, ...own, ...Object.fromEntries(closed), metrics: true };
  return Object.fromEntries(Object.entries(all).map(([name, enabled]) => [name, { enabled }]));
}

/** `tls.crt`, `tls.key` and `ca.crt`, as cert-manager writes them. */
function fleetSecret() {
  return secret("fleet", "hookspan-fleet-tls");
}

function secret(name, secretName) {
  return { name, secret: { secretName } };
}

function mount(name) {
  return { name, mountPath: `/etc/hookspan/${name}`, readOnly: true };
}

function queueMount() {
  return { name: "queue", mountPath: "/var/lib/otelcol" };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of helmValues()) writeFileSync(new URL(`helm/${name}`, FLEET), text);
}
