// Lets node run the TypeScript of the proof as it is: `node --import ./scripts/strip-types.mjs test/proof/proof.ts`. Node 20
// cannot do that by itself.
import { readFile } from "node:fs/promises";
import { register } from "node:module";

import { transform } from "esbuild";

if (!process.env.HOOKSPAN_STRIP_TYPES) register(import.meta.url);

/** A hook of Node's module loader: https://nodejs.org/docs/latest-v20.x/api/module.html#loadurl-context-nextload */
export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const { code } = await transform(await readFile(new URL(url), "utf8"), {
    loader: "ts",
    target: "node20",
    sourcemap: "inline",
  });
  return { format: "module", source: code, shortCircuit: true };
}
