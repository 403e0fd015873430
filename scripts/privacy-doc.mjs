// Writes docs/privacy.md from the registry in src/registry/. After a change there: run it, then oxfmt. A test compares.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { code, table } from "./markdown.mjs";
import { registry } from "./registry.mjs";

/** The page as Markdown, not yet formatted. */
export async function privacyPage() {
  const { ATTRIBUTES, RESOURCE_ATTRIBUTES, IDENTITY_ATTRIBUTES, FULL_CHARACTERS, PREVIEW_CHARACTERS } =
    await registry();
  const facts = [...ATTRIBUTES].map(([name, fact]) => ({ name, ...fact }));
  const contents = facts.filter(({ content }) => content !== undefined);
  const others = facts.filter(({ content }) => content === undefined);
  const named = others.map(({ name, brief }) => [code(name), brief]);
  const captured = contents.map(({ name, content, brief }) => {
    const beginning = `${PREVIEW_CHARACTERS[content]} characters`;
    return [code(name), "no", beginning, `${FULL_CHARACTERS.toLocaleString("en-US")} characters`, brief];
  });
  const ofResource = Object.entries(RESOURCE_ATTRIBUTES).map(([name, { brief }]) => [code(name), brief]);
  const ofIdentity = Object.entries(IDENTITY_ATTRIBUTES).map(([name, { brief }]) => [code(name), brief]);
  return `# Privacy

What leaves the machine is decided by one setting, \`capture\`: \`none\`, \`preview\` or \`full\`. This page lists every attribute for each of
them; it is written by \`npm run privacy-doc\` from the registry that the code uses, and tests hold what recorded sessions really send
against that registry. [Telemetry](telemetry.md) says on which span or metric each one stands.

See it with your own data before anything is sent: \`hookspan preview\` prints every attribute that waits, with its value, and
\`hookspan preview --recording demo --capture full\` a recorded session as the boldest setting would send it.

## Content: text of you, the agent or a program

${table(["attribute", "`none` (default)", "`preview`", "`full`", "what"], captured)}

Characters are Unicode code points. A text that was cut ends with \`…\`. Before it is cut, secrets are replaced by \`[redacted]\`: keys and
tokens by their known forms, private keys, authorization headers and cookies, passwords in URLs and connection strings, values of
options, assignments and JSON fields whose name says that they are secret (\`API_KEY=\`, \`"password":\`). That is always on. It is a net, not
a guarantee: a secret without a known form and without a telling name goes through, so keep \`none\` where that matters.

An environment variable does not switch content on in a bridge that a hook started: a project you opened must not decide that.

## Names and numbers

These leave in every setting.

${table(["attribute", "what"], [...named, ...ofResource])}

Beside them stand the keys of your own \`resource\` configuration, which you write yourself.

## Who you are

These leave only where you configure \`identity\`, each by a key of its own ([Identity](identity.md)); by default none does.

${table(["attribute", "what"], ofIdentity)}

Telemetry that an agent itself sends to the [intake](intake.md) goes on to your Collector as it came, whatever it holds.

## What never leaves

Paths, file names (but the base name of another hook's program), titles, the environment, command lines and error texts: these
are no attributes in any setting, and the host name only where \`identity\` says so. Where one of them is part of a prompt, an answer, a tool's input or result, it is content, see above.
Nothing but requests to the URLs of your endpoint leaves the machine: no account, no update check, no other telemetry.
\`hookspan doctor\` also asks the Tempo and the Prometheus that you name, or those at the shipped ports of this machine, for its own
test span and test metric.

Events wait on your disk until they are taken in, with all that the agent told (\`spool/\`, 0600 in a directory 0700), and are
deleted then. [Delivery](delivery.md) says what is kept where, for how long, and how much at most.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../docs/privacy.md", import.meta.url), await privacyPage());
}
