/** The recording and alert rules that users get. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";
import * as z from "zod";

const FOLDER = join(import.meta.dirname, "../../collector-config/rules");

const rule = z.looseObject({ expr: z.string(), record: z.string().optional(), alert: z.string().optional() });
const file = z.looseObject({ groups: z.array(z.looseObject({ rules: z.array(rule) })) });

export type Rule = z.infer<typeof rule>;

export function readRules(): Rule[] {
  const names = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith(".yaml")) : [];
  return names.flatMap((name) =>
    file.parse(parse(readFileSync(join(FOLDER, name), "utf8"))).groups.flatMap(({ rules }) => rules),
  );
}
