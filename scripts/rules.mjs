// Writes collector-config/rules/hookspan.yaml: `npm run rules`. Whatever is a sum over a range is written by totalOver. A
// test compares.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { stringify } from "yaml";

import { totalOver } from "../grafana/queries/total-over.ts";

/** USD in 24 hours, over all agents. */
const BUDGET_USD = 100;

const HEAD = `# Recording and alert rules for Prometheus and Mimir, written by \`npm run rules\`. To change the budget, or how soon an alert
# comes, change it here: nothing else depends on the figures.
`;

export function rulesFile() {
  const groups = [
    { name: "hookspan-totals", interval: "5m", rules: [...totals()] },
    { name: "hookspan-money", rules: [...money()] },
    { name: "hookspan-bridge", rules: [...bridge()] },
    { name: "hookspan-pipe", rules: [...pipe()] },
  ];
  return HEAD + stringify({ groups }, { lineWidth: 0 });
}

/** The last 24 hours, exactly, for panels and alerts over many machines, where the query itself takes long. */
function* totals() {
  const recorded = {
    cost_USD: ["gen_ai_agent_name", "gen_ai_request_model", "vcs_repository_name"],
    token_usage: ["gen_ai_agent_name", "gen_ai_request_model", "hookspan_token_kind"],
    run_count: ["gen_ai_agent_name", "hookspan_run_outcome"],
    session_count: ["gen_ai_agent_name"],
  };
  for (const [name, by] of Object.entries(recorded))
    yield { record: `hookspan:${name}:total1d`, expr: totalOver(`hookspan_${name}_total`, "1d", by) };
}

function* money() {
  yield alert("HookspanSpendAboveBudget", `${totalOver("hookspan_cost_USD_total", "1d")} > ${BUDGET_USD}`, {
    severity: "warning",
    summary: `More than ${BUDGET_USD} USD in 24 hours: {{ $value | printf "%.2f" }}`,
    description: "Cost by model, repository and agent: the dashboard of costs. Estimates are among it.",
  });
  const models = ["gen_ai_provider_name", "gen_ai_request_model"];
  yield alert("HookspanUnpricedTokens", `${totalOver("hookspan_unpriced_token_usage_total", "1d", models)} > 0`, {
    severity: "info",
    summary: "{{ $labels.gen_ai_request_model }} has no known price: the cost of the last 24 hours is too low",
    description: "Give its price in the file that `prices` in hookspan's configuration names.",
  });
}

function* bridge() {
  yield alert("HookspanDropped", gained("hookspan_bridge_dropped_count_total", ["instance", "hookspan_drop_reason"]), {
    severity: "critical",
    summary: "{{ $labels.instance }} dropped data: {{ $labels.hookspan_drop_reason }}",
    description: "A bound on its disk was reached. `hookspan status` on that machine says what waits, and why.",
  });
  const quarantined = 'hookspan_bridge_event_count_total{hookspan_event_outcome="quarantined"}';
  yield alert("HookspanQuarantined", gained(quarantined, ["instance"]), {
    severity: "warning",
    summary: "{{ $labels.instance }} could not read events",
    description: "They are kept in `quarantine/` of its state directory. An agent may have changed what it says.",
  });
  const refused = 'hookspan_bridge_export_item_count_total{hookspan_export_outcome=~"rejected|refused|too_large"}';
  yield alert("HookspanRefused", gained(refused, ["instance", "hookspan_export_signal"]), {
    severity: "critical",
    summary: "What {{ $labels.instance }} sent was refused for good",
    description: "`hookspan status` on that machine says what the receiver answered.",
  });
  yield alert("HookspanSendsNothing", oldest("outbox"), {
    severity: "warning",
    for: "10m",
    summary: "{{ $labels.instance }} has spans that wait for {{ $value | humanizeDuration }}",
    description: "Its metrics arrive, its spans do not. `hookspan status` on that machine says why.",
  });
  yield alert("HookspanTakesInNothing", oldest("spool"), {
    severity: "warning",
    for: "10m",
    summary: "{{ $labels.instance }} has events that wait for {{ $value | humanizeDuration }}",
    description: "Its bridge does not take them in. `hookspan status` on that machine says why.",
  });
  const lag = "sum by (le, instance) (rate(hookspan_bridge_fold_lag_seconds_bucket[15m]))";
  yield alert("HookspanFallsBehind", `histogram_quantile(0.99, ${lag}) > 60`, {
    severity: "info",
    for: "15m",
    summary: "{{ $labels.instance }} takes events in {{ $value | humanizeDuration }} late",
    description: "Usual after a machine was off; else its bridge gets too little time.",
  });
  const workingHours = "on () (day_of_week() > 0 < 6) and on () (hour() >= 8 < 17)";
  yield alert("HookspanSilent", `${heard("1d")} unless on () ${heard("15m")} and ${workingHours}`, {
    severity: "warning",
    for: "15m",
    summary:
      "Of {{ $value }} machines that spoke in the last day, none has spoken for 15 minutes, in working hours (UTC)",
    description: "Nobody works, or nothing arrives: look at what stands between the machines and here.",
  });
}

function* pipe() {
  yield alert("HookspanProgramDown", 'up{job=~"collector|tempo|prometheus"} == 0', {
    severity: "critical",
    for: "5m",
    summary: "{{ $labels.job }} at {{ $labels.instance }} does not answer",
    description: "Nothing is lost yet: queues and outboxes keep what they can hold.",
  });
  const fill = "otelcol_exporter_queue_size / otelcol_exporter_queue_capacity";
  yield alert("HookspanQueueFills", `max by (instance, exporter) (${fill}) > 0.8`, {
    severity: "critical",
    for: "10m",
    summary: "The queue of {{ $labels.exporter }} at {{ $labels.instance }} is {{ $value | humanizePercentage }} full",
    description:
      "What stands behind it does not take data. When it is full, the Collector refuses, and machines keep theirs.",
  });
  const sends = ["spans", "metric_points"].map((what) =>
    failed(`otelcol_exporter_send_failed_${what}_total`, ["instance", "exporter"]),
  );
  yield alert("HookspanSendFails", sends.join(" or "), {
    severity: "critical",
    summary: "{{ $labels.exporter }} at {{ $labels.instance }} dropped data that were refused for good",
    description: "The Collector's log says why. Prometheus refuses a whole request for one sample that is too old.",
  });
  const refuses = ["spans", "metric_points"].map(
    (what) => `sum by (instance) (rate(otelcol_receiver_refused_${what}_total[5m])) > 0`,
  );
  yield alert("HookspanCollectorRefuses", refuses.join(" or "), {
    severity: "warning",
    for: "10m",
    summary: "{{ $labels.instance }} refuses data: its memory or a queue is full",
    description:
      "hookspan keeps them and tries again. Give the Collector more memory, or look at what stands behind it.",
  });
  yield alert("HookspanTempoDiscards", failed("tempo_discarded_spans_total", ["reason"]), {
    severity: "critical",
    summary: "Tempo threw spans away: {{ $labels.reason }}",
    description: "A limit in its `overrides` was reached.",
  });
  yield alert("HookspanTempoTruncates", failed("tempo_distributor_attributes_truncated_total", ["scope"]), {
    severity: "warning",
    summary: "Tempo cuts attributes of {{ $labels.scope }}",
    description: "Raise `distributor.max_attribute_bytes`, or let hookspan send less (`capture`).",
  });
  yield alert("HookspanSamplesTooOld", failed("prometheus_tsdb_too_old_samples_total", ["instance"]), {
    severity: "warning",
    summary: "Prometheus refused samples older than its window",
    description: "A machine came back after longer than `storage.tsdb.out_of_order_time_window`.",
  });
}

/** In the last hour, of a counter of hookspan's, which never falls. */
function gained(selector, by) {
  return `${totalOver(selector, "1h", by)} > 0`;
}

/**
 * In the last hour, of a counter of another program's, which begins anew with each start of it, and may be there only from its
 * first failure on.
 */
function failed(selector, by) {
  const anew = `last_over_time(${selector}[1h]) unless last_over_time(${selector}[1h] offset 1h)`;
  return `sum by (${by.join(", ")}) (increase(${selector}[1h]) > 0 or (${anew}) > 0) > 0`;
}

/** Of a bridge's spool or outbox. */
function oldest(name) {
  return `max by (instance) (hookspan_bridge_${name}_oldest_age_seconds) > 900`;
}

function heard(range) {
  return `count(count by (instance) (present_over_time(hookspan_bridge_heartbeat[${range}])))`;
}

function alert(name, expr, { severity, for: pending, summary, description }) {
  return {
    alert: name,
    expr,
    ...(pending === undefined ? {} : { for: pending }),
    labels: { severity },
    annotations: { summary, description },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../collector-config/rules/hookspan.yaml", import.meta.url), rulesFile());
}
