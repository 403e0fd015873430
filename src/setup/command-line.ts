/**
 * How an agent's settings call the hook. On Windows nobody knows which shell an agent takes (Git Bash, PowerShell, cmd.exe), so
 * a line there is one that all three read alike: a bare first word, slashes forward, quotes around the path.
 */

/** Where the installed hook is. */
export type HookProgram = {
  platform: NodeJS.Platform;
  /** The shell script, absolute. */
  script: string;
  /** The Node twin, absolute: for Windows, which has no sh. */
  twin: string;
  /** The Node to run the twin with, absolute. */
  node: string;
};

/** The line for `sh -c`, a shell of Windows, or a program that splits words as a shell does. */
export function commandLine(program: HookProgram, words: readonly string[]): string {
  if (program.platform !== "win32") return [quoted(program.script), ...words].join(" ");
  return [`node "${forward(program.twin)}"`, ...words].join(" ");
}

/** The line for PowerShell, where a quoted first word would be a text and no command. */
export function powershellLine(program: HookProgram, words: readonly string[]): string {
  return ["&", literal(program.node), literal(program.twin), ...words].join(" ");
}

/** Why no line can be written that all shells of Windows read alike; undefined if it can. */
export function unquotable({ platform, twin }: HookProgram): string | undefined {
  const odd = platform === "win32" ? /[$`"%!^]/.exec(twin)?.[0] : undefined;
  return odd && `the path ${twin} has a ${odd}, which shells read differently; set XDG_DATA_HOME to another directory`;
}

/**
 * True for a line that runs hookspan's hook for this agent, wherever the hook is installed. Not for one that wraps another
 * hook: that one is the user's.
 */
export function isHookLine(line: string, agent: string): boolean {
  const name = agent.replaceAll("-", "\\-");
  const script = new RegExp(`(?:^|[/\\\\'" ])hookspan\\.sh['"]?\\s+['"]?${name}(?:['"\\s]|$)`);
  const twin = new RegExp(`hookspan.*[/\\\\]hook\\.cjs['"]?\\s+['"]?${name}(?:['"\\s]|$)`);
  return script.test(line) || twin.test(line);
}

/** A path as Windows programs know it, from one as Git Bash writes it: `/c/Users/me` is `C:\Users\me`. */
export function nativePath(path: string, platform: NodeJS.Platform): string {
  if (platform !== "win32") return path;
  const drive = /^\/(?:cygdrive\/)?([A-Za-z])(?=\/|$)(.*)$/.exec(path);
  const windows = drive ? `${String(drive[1]).toUpperCase()}:${drive[2] || "/"}` : path;
  return windows.replaceAll("/", "\\");
}

function forward(path: string): string {
  return path.replaceAll("\\", "/");
}

function literal(path: string): string {
  return `'${path.replaceAll("'", "''")}'`;
}

/** Bare where every shell reads it as it is. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
