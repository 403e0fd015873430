import * as z from "zod";

import { genericEvent } from "./event.ts";

/** The JSON schema of the generic event, as it is published in docs. */
export function genericSchema(): unknown {
  return { title: "hookspan generic event", ...z.toJSONSchema(genericEvent) };
}
