/** The dashboards' variables. All means all, and so what has no such label, too. */

import {
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";

import { labelOf, prometheusName } from "./queries/prometheus-name.ts";
import { USER } from "./queries/users.ts";
import { PROMETHEUS } from "./sources.ts";

export type Variable = "agent" | "repository" | "model" | "user" | "session" | "trace";

const SESSIONS = prometheusName("hookspan.session.count");
const TOKENS = prometheusName("hookspan.token.usage");

/** Matches any value and none. */
const ALL = ".*";

export function drawVariable(variable: Variable): VariableModel {
  switch (variable) {
    case "agent":
      return among("agent", "Agent", `label_values(${SESSIONS}, job)`, "/hookspan\\/(.+)/");
    case "repository":
      return among("repository", "Repository", `label_values(${SESSIONS}, ${labelOf("repository")})`);
    case "model":
      return among("model", "Model", `label_values(${TOKENS}, ${labelOf("requestModel")})`);
    case "user":
      return among("user", "User", `label_values(target_info{job=~"hookspan/.+"}, ${USER})`);
    case "session":
      return new TextBoxVariableBuilder("session").label("Session id").defaultValue("").build();
    case "trace":
      return new TextBoxVariableBuilder("trace").label("Trace id").defaultValue("").build();
  }
}

function among(name: Variable, label: string, query: string, regex = ""): VariableModel {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(PROMETHEUS)
    .query(query)
    .definition(query)
    .regex(regex)
    .multi(true)
    .includeAll(true)
    .allValue(ALL)
    .current({ selected: true, text: "All", value: "$__all" })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .build();
}
