// Writes grafana/dashboards from the TypeScript beside it: `npm run dashboards`. A test compares.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";

import { dashboardFiles } from "../grafana/dashboards.ts";

const folder = new URL("../grafana/dashboards/", import.meta.url);
mkdirSync(folder, { recursive: true });
const files = dashboardFiles();
for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(new URL(name, folder));
for (const [name, text] of files) writeFileSync(new URL(name, folder), text);
