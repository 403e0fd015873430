// Writes docs/generic-event.schema.json from the schema in src/adapter/generic/. After a change there: run it. A test compares.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { genericSchema } from "../src/adapter/generic/schema.ts";

const file = fileURLToPath(new URL("../docs/generic-event.schema.json", import.meta.url));
writeFileSync(file, `${JSON.stringify(genericSchema(), null, 2)}\n`);
