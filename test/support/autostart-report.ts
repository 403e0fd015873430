/** What the stand-in found when it was started as a bridge. */
export type StandInReport = {
  pid: number;
  bundle: string;
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  /** `null` for each of the three standard streams that is /dev/null. */
  standardStreams: string[];
  /** Only what leads a process group leads a session. */
  isGroupLeader: boolean;
};

/** A bundle that stands where the bridge's would: tells how it was started, then runs on. */
export const STAND_IN_BRIDGE = `
const fs = require("node:fs");
const { rdev } = fs.statSync("/dev/null");
const report = {
  pid: process.pid,
  bundle: process.argv[1],
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  standardStreams: [0, 1, 2].map((fd) => (fs.fstatSync(fd).rdev === rdev ? "null" : "other")),
  isGroupLeader: isGroupLeader(),
};
const file = process.env.HOOKSPAN_HOME + "/report." + process.pid;
fs.writeFileSync(file.replace("report", "draft"), JSON.stringify(report));
fs.renameSync(file.replace("report", "draft"), file);
setTimeout(() => {}, 60_000);

function isGroupLeader() {
  try {
    return process.kill(-process.pid, 0);
  } catch {
    return false;
  }
}
`;
