import { posix } from "node:path";

/**
 * Whose settings name a hook, by the file in the id of its run (`stop:14:/home/user/.codex/hooks.json`). The rollout lies in
 * the user's Codex home, which so needs not be known otherwise. Managed ones and plugins' are unknown.
 */
export function hookSource(
  runId: string | undefined,
  rollout: string,
  cwd: string | undefined,
): "system" | "user" | "project" | "unknown" {
  const file = /^[a-z-]+:\d+:(\/.+)$/.exec(runId ?? "")?.[1];
  if (file === undefined) return "unknown";
  const folder = posix.dirname(file);
  const home = /^(.+?)\/(?:archived_)?sessions\/\d{4}\//.exec(rollout)?.[1];
  if (folder === home) return "user";
  if (folder === "/etc/codex") return "system";
  const project = posix.dirname(folder);
  const isAbove = cwd !== undefined && (cwd === project || cwd.startsWith(`${project}/`));
  return posix.basename(folder) === ".codex" && isAbove ? "project" : "unknown";
}
