/** docker-compose.yml, as far as tests look at it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";
import * as z from "zod";

const service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.string(),
  user: z.string().optional(),
  network_mode: z.string().optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  logging: z.looseObject({ options: z.record(z.string(), z.string()) }).optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  cap_add: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  mem_limit: z.string().optional(),
  pids_limit: z.number().optional(),
});

const composeFile = z.looseObject({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});

export type ComposeService = z.infer<typeof service>;

export function readComposeFile(): z.infer<typeof composeFile> {
  const text = readFileSync(join(import.meta.dirname, "../../docker-compose.yml"), "utf8");
  return composeFile.parse(parse(text, { merge: true }));
}

/** What the Collector gets in the compose file. */
export function collectorEnvironment(): Record<string, string> {
  return readComposeFile().services["collector"]?.environment ?? {};
}
