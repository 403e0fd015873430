/** What `--help` prints. Each text fits on one screen and ends with an example. */

export const HELP: Record<string, string> = {
  hookspan: `hookspan: OpenTelemetry for AI coding agents, through their hooks

Usage: hookspan <command> [options]

Commands
  install   find the agents on this machine and register the hook; shows what would change, and asks
  uninstall take it back: settings as they were before
  config    read and change the configuration
  service   keep a bridge running always, under systemd or launchd
  demo      replay a recorded session through hook and bridge, and show what comes out
  tail      a stand-in Collector that prints runs, tokens and cost as they arrive
  status    what waits, what went out, what was refused, and why
  doctor    go the way from each agent to the store, and say what is wrong and how to mend it
  preview   what would be sent: every attribute, with its value; sends nothing
  context   the span under which a program stands that an agent's tool starts
  flush     take in all events and send everything, then leave (CI jobs, containers)
  wrap      run another hook as it is, and report its run
  bridge    run the bridge in the foreground; hooks start one by themselves

Every command has --help; --version prints the version. State: $HOOKSPAN_HOME, else $XDG_STATE_HOME/hookspan, else
~/.local/state/hookspan. Configuration: \`hookspan config path\`, and HOOKSPAN_* variables; see the README.

Example: hookspan install --dry-run
`,
  install: `hookspan install: find the agents on this machine and register the hook

Usage: hookspan install [agents...] [options]

Agents: claude-code, codex, hermes, cursor, gemini-cli, qwen-code, opencode, copilot-cli. None named: all that are
found. Copies the hook to $XDG_DATA_HOME/hookspan (else ~/.local/share/hookspan), and adds it to each agent's settings:
only our own bytes, with the file as it was beside it as <file>.hookspan.bak. Shows the plan and asks. Again is
harmless: it mends and upgrades. Exit code 0, 1 if a file had to be left alone, 2 if there is nobody to ask and no
--yes.

  --dry-run        show the plan and each change line by line; write nothing
  --yes, -y        go ahead without asking
  --project        the settings of the project in this directory, not the user's
  --allow-hermes   enter the hooks into Hermes' list of hooks that it may run
  --endpoint URL   enter the Collector's base URL into the configuration file (default http://127.0.0.1:4318)
  --hook-only      copy the hook, register it nowhere (for the Claude Code plugin)
  --transport T    command: a program for each event; http: the agent posts to a bridge that always runs (Claude Code
                   only, user's settings, intake.port configured). Default: as it is registered already, else command

Example: hookspan install --dry-run
`,
  uninstall: `hookspan uninstall: take the hooks out of the agents' settings, and the hook away

Usage: hookspan uninstall [agents...] [options]

Settings that nobody has edited since become as they were, byte for byte; of others only our entries go. With the last
agent the hook itself goes, and what --endpoint has entered. The state directory and your own configuration stay. None
named: all agents, wherever registered.

  --dry-run   show the plan and each change line by line; write nothing
  --yes, -y   go ahead without asking
  --project   only the project in this directory
  --purge     then send everything and remove the state directory; if it cannot be sent, it stays
  --timeout SECONDS   how long to try to send (default 30)

Example: hookspan uninstall --purge
`,
  config: `hookspan config: read and change the configuration

Usage: hookspan config list | get KEY | set KEY VALUE | unset KEY | path

  list          every setting, with where it comes from; secrets are not shown
  get KEY       one setting, as the bridge would take it
  set KEY ...   change the file; keys of objects by a dot (headers.authorization, bounds.ageDays), lists as JSON
  unset KEY     take it out of the file
  path          the file

A living bridge takes a change up when it next starts, or when its receiver takes no data: \`hookspan flush\` ends it.

Example: hookspan config set endpoint https://collector.example.org:4318
`,
  service: `hookspan service: keep a bridge running always, under the manager of your services

Usage: hookspan service install | uninstall | status [options]

Needed for HTTP hooks, which are lost while no bridge listens; other hooks start a bridge by themselves. install writes
a user unit of systemd (Linux) or an agent of launchd (macOS), and starts it; once more, and it is restarted: after an
upgrade, or for a changed configuration. Shows the plan and asks. Exit code 0, 1 if a step was not done (it says which),
2 if there is nobody to ask and no --yes. Of the environment only HOOKSPAN_HOME, HOOKSPAN_CONFIG, XDG_STATE_HOME and
XDG_CONFIG_HOME go in.

  status      whether the file is as it should be, and the bridge running: exit code 0, else 1
  --dry-run   show the file and the commands; write and run nothing
  --yes, -y   go ahead without asking

Example: hookspan service install --dry-run
`,
  bridge: `hookspan bridge: fold events into spans and metrics, and export them

Usage: hookspan bridge [options]

Runs in the foreground until SIGINT or SIGTERM, and logs to stderr. One bridge runs per state directory: if another has
it, this one says so and exits with 1.

  --endpoint URL      base URL of the Collector (default http://127.0.0.1:4318)
  --log-level LEVEL   error, warn, info or debug (default info)
  --until-idle        leave after 10 minutes with nothing to do, log to the state directory's file (as hooks start it)

Example: hookspan bridge --endpoint http://collector:4318
`,
  flush: `hookspan flush: take in all events, send everything, and leave

Usage: hookspan flush [options]

Stops a living bridge, takes in all whole events and the known transcripts to their end, and exports until spool and
outbox are empty and the last totals are accepted. Exit code 0, or 1 when the time is up; what is left stays on disk.

  --timeout SECONDS   how long to try (default 30)
  --close             also end runs, tools and sessions that are still open
  --endpoint URL      base URL of the Collector (default http://127.0.0.1:4318)
  --log-level LEVEL   error, warn, info or debug (default warn)

Example: hookspan flush --close --timeout 60
`,
  context: `hookspan context: the span under which a program stands that an agent's tool starts, as a TRACEPARENT

Usage: hookspan context [--agent NAME --session ID]

To be run inside of a tool of an agent, to start another agent there: its runs become part of the tool call. Prints the
span of the call that runs; where several run, that of their run; outside of an agent what TRACEPARENT says already.
Exit code 1 where none of these is known. Reads the state directory, sends and changes nothing.

  --session ID   the session to look in (default: that of the agent which has started this)
  --agent NAME   whose session that is (default claude-code)

Example: TRACEPARENT=$(hookspan context) codex exec "Review the last commit."
`,
  status: `hookspan status: what waits, what went out, what was refused, and why

Usage: hookspan status [--json]

  --json   the same as JSON

Example: hookspan status
`,
  doctor: `hookspan doctor: go the way from each agent to the store, and say what is wrong and how to mend it

Usage: hookspan doctor [options]

Looks at settings, trust and state, runs each registered hook with a payload and a state directory of its own, and sends
one test span and one test metric to the Collector. Then it asks Tempo and Prometheus whether they arrived: where you
say, else at the ports of the shipped stack, if the endpoint is on this machine. Changes no settings. One line for each
hop: ok, warn, fail or unknown. The first line that fails is the cause. Exit code 0, or 1 if a hop fails.

  --tempo URL        where to ask for the test span; none not to ask
  --prometheus URL   where to ask for the test metric; none not to ask
  --wait SECONDS     how long the two may take to arrive (default 20)
  --json             the same as JSON

Example: hookspan doctor --prometheus http://127.0.0.1:9090
`,
  preview: `hookspan preview: every attribute that would be sent, with its value

Usage: hookspan preview [options]

Shows what waits in the state directory, as if all that is open ended now: spans that were accepted are gone and not
shown. With --recording it shows a recorded session instead. It works on a copy; nothing is sent, taken in or changed.

  --recording FOLDER   a folder with hooks.jsonl and transcripts, or \`demo\`: the session of \`hookspan demo\`
  --agent NAME         whose recording it is (default claude-code)
  --capture MODE       none, preview or full, for a recording (default: that of the configuration)
  --json               the request bodies, OTLP/JSON, one in a line

Example: hookspan preview --recording demo --capture full
`,
  tail: `hookspan tail: a stand-in Collector that prints runs, tokens and cost as they arrive

Usage: hookspan tail [options]

Listens on the loopback address for OTLP/HTTP (JSON) and prints each run as a tree, and running totals.
It stores nothing and passes nothing on.

  --port PORT   port to listen on (default 4318)
  --json        one JSON object a line

Example: hookspan tail
`,
  demo: `hookspan demo: replay a recorded session and show what comes out

Usage: hookspan demo [options]

Replays a bundled session of Claude Code through the real hook script and the real bridge, in a temporary directory,
into the view of \`hookspan tail\`. Takes about 6 seconds, sends nothing anywhere and leaves nothing behind.

  --stack   send it to the Collector on this machine as well (http://127.0.0.1:4318, or $HOOKSPAN_ENDPOINT)
  --json    one JSON object a line

Example: hookspan demo
`,
  wrap: `hookspan wrap: run another hook as it is, and report its run

Usage: hookspan wrap --event E --name N [options] -- command ...

stdin, stdout, stderr, exit code and signals are the command's own. Its run becomes an execute_hook span and counts in
hookspan.hook.run.count and .duration. hooks/hookspan-wrap.sh takes the same options, and spares the start of Node.

  --event E         the agent's event that the hook is for
  --name N          how the hook shall be called (default: the command's base name)
  --agent A         whose hook it is (default claude-code)
  --settings FILE   the settings file that names the hook; tells whether it is the system's, the user's or the project's
  --source S        system, user, project or unknown, if it is to be said outright

Example: hookspan wrap --event PreToolUse --name guard --settings ~/.claude/settings.json -- ./guard.sh
`,
};
