import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempDirectory } from "../../../test/support/temp-state.ts";
import { readScript, scriptIn } from "./hook-script.ts";

test.for<[string, string | undefined]>([
  ["/a/hookspan.sh claude-code", "/a/hookspan.sh"],
  ["'/a b/hookspan.sh' codex", "/a b/hookspan.sh"],
  [String.raw`'/it'\''s/hookspan.sh' codex`, "/it's/hookspan.sh"],
  [String.raw`"/a \"b\" \$c/hookspan.sh" codex`, '/a "b" $c/hookspan.sh'],
  [String.raw`/a\ b/hookspan.sh codex`, "/a b/hookspan.sh"],
  ["sh /a/hookspan.sh hermes", "/a/hookspan.sh"],
  ["/a/not-hookspan.sh codex", undefined],
  ["/a/hookspan.sh.bak codex", undefined],
])("the script in %s", ([command, script]) => {
  expect(scriptIn(command)).toBe(script);
});

test("the paths in a script: those that were written into it, or those beside it", () => {
  const root = join(tempDirectory(), "it's");
  mkdirSync(join(root, "hooks"), { recursive: true });
  const path = join(root, "hooks", "hookspan.sh");
  writeFileSync(path, "#!/bin/sh\nbridge=''\nnode=''\n");
  expect(readScript(path)).toEqual({ path, node: "", bundle: join(root, "dist", "hookspan.cjs") });
  writeFileSync(
    path,
    String.raw`#!/bin/sh
bridge='/it'\''s/hookspan.cjs'
node='/n/node'
`,
  );
  expect(readScript(path)).toEqual({ path, node: "/n/node", bundle: "/it's/hookspan.cjs" });
  writeFileSync(path, "#!/bin/sh\necho mine\n");
  expect(readScript(path)).toBeUndefined();
  expect(readScript(join(root, "none"))).toBeUndefined();
});
