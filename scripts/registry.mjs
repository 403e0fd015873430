// The registry of attributes and metrics, for scripts that write pages from it.
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const SOURCES = {
  "../src/registry/attributes.ts": ["ATTRIBUTES", "RESOURCE_ATTRIBUTES", "IDENTITY_ATTRIBUTES"],
  "../src/registry/metrics.ts": ["METRIC_ATTRIBUTES"],
  "../src/metric/instruments.ts": ["INSTRUMENTS"],
  "../src/trace/content.ts": ["FULL_CHARACTERS", "PREVIEW_CHARACTERS"],
};

/** What the files above export by these names, as one object. */
export async function registry() {
  const contents = Object.entries(SOURCES).map(([file, names]) => `export { ${names.join(", ")} } from "${file}";`);
  const { outputFiles } = await build({
    stdin: { contents: contents.join("\n"), resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    format: "esm",
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
