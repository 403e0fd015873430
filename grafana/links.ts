/** From a figure to what is behind it. */

import { ATTR } from "../src/trace/semconv.ts";

const SESSION_BOARD = "/d/hookspan-session";
const KEEP = "${__url_time_range}";

const HOUR_MS = 3_600_000;

/**
 * Where values over time are clicked: the runs around that time. A bar begins at its time and lasts an hour, or up to a day
 * where months are shown; Grafana puts the time into the middle of what it opens, and cannot reckon.
 */
export const RUNS_AROUND = [around("Runs in this hour", HOUR_MS), around("Runs on this day", 24 * HOUR_MS)];

/** Where a figure is of the whole range: the runs in it. */
export const RUNS_IN_RANGE = { title: "Runs in this range", url: `${SESSION_BOARD}?${KEEP}&\${__all_variables}` };

/** Where one session is a value's name. */
export const SESSION_BY_NAME = {
  title: "This session",
  url: `${SESSION_BOARD}?var-session=\${__field.displayName}&${KEEP}`,
};

/** From as long before as after. */
function around(title: string, lengthMs: number): { title: string; url: string } {
  return { title, url: `${SESSION_BOARD}?time=\${__value.time}&time.window=${2 * lengthMs}&\${__all_variables}` };
}

/** In a table of spans: the session's column leads to the session, the span's name to its trace. */
export const SPAN_ROWS = [
  {
    field: ATTR.conversationId,
    title: "This session",
    url: `${SESSION_BOARD}?var-session=\${__value.raw}&${KEEP}`,
  },
  {
    field: "Name",
    title: "This trace",
    url: `${SESSION_BOARD}?var-trace=\${__data.fields.traceIdHidden}&var-session=\${__data.fields["${ATTR.conversationId}"]}&${KEEP}`,
  },
];
