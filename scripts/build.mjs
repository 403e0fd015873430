// Bundles the two programs into dist/: hookspan.cjs (everything) and hook.cjs (the hook's Node twin, built-ins only).
import { chmodSync, cpSync, rmSync } from "node:fs";
import { build } from "esbuild";

const version = JSON.parse((await import("node:fs")).readFileSync("package.json", "utf8")).version;
rmSync("dist", { recursive: true, force: true });

const options = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // The ESM sources of the packages shake well; `import()` must become `require()` in a single CJS file.
  mainFields: ["module", "main"],
  supported: { "dynamic-import": false },
  define: { HOOKSPAN_VERSION: JSON.stringify(version) },
  legalComments: "eof",
  logLevel: "warning",
};
await build({
  ...options,
  entryPoints: ["src/cli.ts"],
  outfile: "dist/hookspan.cjs",
  // Half the bytes to read and to parse at each start; names stay, for what a stack trace says.
  minifyWhitespace: true,
  banner: { js: "#!/usr/bin/env node" },
});
await build({ ...options, entryPoints: ["src/hook.ts"], outfile: "dist/hook.cjs", minifySyntax: true });
chmodSync("dist/hookspan.cjs", 0o755);
cpSync("src/view/recording", "dist/recording", { recursive: true });
