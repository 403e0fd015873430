/** `hookspan doctor` as it is typed. */

import { randomUUID } from "node:crypto";
import { resolve } from "node:path";

import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/error.ts";
import { dataHome, stateHome } from "../config/path.ts";
import { withSecretHeaders } from "../config/secret-headers.ts";
import { createExporter, type Exporter } from "../otlp/exporter.ts";
import { nativePath } from "../setup/command-line.ts";
import { doctor as look, type DoctorOptions } from "../setup/doctor/doctor.ts";
import type { Finding } from "../setup/doctor/finding.ts";
import { findingLine, reportOf } from "../setup/doctor/report.ts";
import { isDiskError, realDisk } from "../store/disk.ts";
import { knownInstanceId } from "../store/instance-id.ts";
import { stateDirectory } from "../store/state-directory.ts";
import { optionsIn, UsageError } from "./arguments.ts";
import { type Call, print } from "./command.ts";
import { configFrom } from "./config-from.ts";

const WAIT_SECONDS = "20";

/** `hookspan doctor`: prints as it goes. */
export async function doctor({ args, env, version }: Call): Promise<number> {
  const text = { type: "string" } as const;
  const flags = optionsIn(args, { json: { type: "boolean" }, tempo: text, prometheus: text, wait: text });
  const isJson = flags["json"] === true;
  const { platform } = process;
  const options: DoctorOptions = {
    around: { env, platform, project: resolve(process.cwd()) },
    data: nativePath(dataHome(env), platform),
    node: process.execPath,
    config: configOf(env),
    createExporter: (config) => exporterOf(config, version),
    stores: { tempo: urlIn("tempo", flags["tempo"]), prometheus: urlIn("prometheus", flags["prometheus"]) },
    waitMs: secondsIn(String(flags["wait"] ?? WAIT_SECONDS)) * 1000,
    nowMs: Date.now,
  };
  const findings: Finding[] = [];
  for await (const finding of look(options)) {
    findings.push(finding);
    if (!isJson) print(findingLine(finding));
  }
  const report = reportOf(findings, version);
  if (isJson) print(`${JSON.stringify(report, null, 2)}\n`);
  return report.verdict === "ok" ? 0 : 1;
}

/** What a bridge takes that a hook starts, for that is the way that is looked at. */
function configOf(env: NodeJS.ProcessEnv): DoctorOptions["config"] {
  try {
    return { status: "read", value: withSecretHeaders(configFrom(env, {}, "hook")) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { status: "failed", reason: error.message, home: homeIn(env) };
  }
}

function homeIn(env: NodeJS.ProcessEnv): string | undefined {
  try {
    return stateHome(env);
  } catch {
    return undefined;
  }
}

function exporterOf(config: Config, version: string): Exporter {
  const osType = process.platform === "win32" ? "windows" : process.platform;
  return createExporter({
    ...config,
    version,
    osType,
    instanceId: instanceIdOf(config),
    userResource: config.resource,
  });
}

/** The bridge's own, so that the probe makes no series of another instance. A look makes none. */
function instanceIdOf({ instance, home }: Config): string {
  try {
    return instance ?? knownInstanceId(realDisk, stateDirectory(home).instanceId) ?? randomUUID();
  } catch (error) {
    if (!isDiskError(error)) throw error;
    return randomUUID();
  }
}

function urlIn(name: string, value: unknown): string | undefined {
  if (typeof value !== "string" || value === "none") return value === "none" ? "none" : undefined;
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value;
  throw new UsageError(`--${name} takes a URL that begins with http:// or https://, or none, not "${value}"`);
}

function secondsIn(text: string): number {
  const seconds = Number(text);
  if (seconds > 0) return seconds;
  throw new UsageError(`--wait takes a number of seconds above 0, not "${text}"`);
}
