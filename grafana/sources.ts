/** Where dashboards ask: the data sources that `grafana/provisioning/datasources` sets up, by their fixed uids. */

import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/dashboard";

export const PROMETHEUS: DataSourceRef = { type: "prometheus", uid: "hookspan-prometheus" };

export const TEMPO: DataSourceRef = { type: "tempo", uid: "hookspan-tempo" };
