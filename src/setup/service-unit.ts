/** What a service manager is told about the bridge: a user unit of systemd, an agent of launchd. */

/** What runs, all paths absolute. `log`: where stderr goes where the manager keeps none. */
export type ServiceProgram = {
  node: string;
  bundle: string;
  env: Readonly<Record<string, string>>;
  log: string;
};

/** The name that the managers know the bridge by. */
export const UNIT = "hookspan.service";
export const LABEL = "hookspan.bridge";

const MARK = "Made by `hookspan service install`";
/** A bridge of a hook's may have the state directory: the service takes it once that one leaves. */
const AGAIN_SECONDS = 5;

/** https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html */
export function systemdUnit({ node, bundle, env }: ServiceProgram): string {
  const variables = Object.entries(env).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}\n`);
  return `# ${MARK}, and rewritten by it. Your own lines: systemctl --user edit ${UNIT}
[Unit]
Description=hookspan bridge: events of AI coding agents to OpenTelemetry
StartLimitIntervalSec=0

[Service]
ExecStart=${quoted(node)} ${quoted(bundle).replaceAll("$", "$$$$")} bridge
Restart=always
RestartSec=${AGAIN_SECONDS}
UMask=0077
${variables.join("")}
[Install]
WantedBy=default.target
`;
}

/** `man launchd.plist` */
export function launchdPlist({ node, bundle, env, log }: ServiceProgram): string {
  const words = [node, bundle, "bridge"].map((word) => `    <string>${escaped(word)}</string>\n`);
  const variables = Object.entries(env).map(
    ([name, value]) => `    <key>${escaped(name)}</key>\n    <string>${escaped(value)}</string>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${MARK}, and rewritten by it. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.join("")}  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join("")}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>${AGAIN_SECONDS}</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardErrorPath</key>
  <string>${escaped(log)}</string>
</dict>
</plist>
`;
}

/** True for a text that one of the two has made, in whatever version. */
export function isServiceText(text: string): boolean {
  return text.slice(0, 500).includes(MARK);
}

/** Why neither could say it; undefined if they can. */
export function unsayable({ node, bundle, env, log }: ServiceProgram): string | undefined {
  const odd = [node, bundle, log, ...Object.values(env)].find((text) => /\p{Cc}/u.test(text));
  return odd === undefined
    ? undefined
    : `${JSON.stringify(odd)} has a control character, which no service file can hold`;
}

/** In quotes a word keeps its spaces; `%` begins one of systemd's own variables. */
function quoted(word: string): string {
  return `"${word.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll("%", "%%")}"`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
