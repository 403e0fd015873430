/** From a figure to what is behind it. */

import { ATTR } from "../src/trace/semconv.ts";

const SESSION_BOARD = "/d/hookspan-session";
const KEEP = "${__url_time_range}";

/** How wide the look from a bar of a cost spike into its sessions is: two hours around it. */
const AROUND_MS = 7_200_000;

/** Where values over time are clicked: the runs around that time. */
export const RUNS_AROUND = {
  title: "Runs around this time",
  url: `${SESSION_BOARD}?time=\${__value.time}&time.window=${AROUND_MS}&\${__all_variables}`,
};

/** Where a figure is of the whole range: the runs in it. */
export const RUNS_IN_RANGE = { title: "Runs in this range", url: `${SESSION_BOARD}?${KEEP}&\${__all_variables}` };

/** Where one session is a value's name. */
export const SESSION_BY_NAME = {
  title: "This session",
  url: `${SESSION_BOARD}?var-session=\${__field.displayName}&${KEEP}`,
};

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
