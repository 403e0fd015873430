#!/bin/sh
# hookspan.sh <agent> [event]: puts the payload on stdin into the spool as one envelope, sees to it that a bridge lives,
# and leaves. POSIX sh. It never hurts the agent: silent, always exit 0, stdin read to its end so that the agent meets no
# broken pipe, no network, and on the usual path no other program than `cat`.
#
# An envelope is whole if and only if it ends with its own end line, so being killed half-way needs no care here.
#
# Not in POSIX, and looked at with care where they are used: EPOCHREALTIME, RANDOM, HOSTNAME, test -nt and -O.
# shellcheck disable=SC3013,SC3028,SC3067

# The installer writes paths between these quotes. Empty: ../dist/hookspan.cjs beside this script, and node from PATH.
bridge=''
node=''

exec >/dev/null 2>&1
[ -z "${ZSH_VERSION:-}" ] || emulate sh
set -u
trap 'exit 0' EXIT
# A full disk or a file size limit shall be a failed write, not a death.
trap '' PIPE XFSZ
umask 077

agent=${1:-}
event=${2:-}
time=${EPOCHREALTIME:-}
newline='
'

leave() {
  cat
  exit 0
}

[ -n "$agent" ] || leave
case ${HOOKSPAN_DISABLED:-} in
1 | [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn]) leave ;;
esac

# --- The state directory. A relative path would mean another one in each project.

home=${HOME:+$HOME/.local/state/hookspan}
case ${XDG_STATE_HOME:-} in
/*) home=$XDG_STATE_HOME/hookspan ;;
esac
home=${HOOKSPAN_HOME:-$home}
# A slash at the end would hide a symlink.
while [ "$home" != "${home%/}" ]; do home=${home%/}; done
case $home in
/*) ;;
*) leave ;;
esac
[ ! -h "$home" ] || leave
[ -O "$home" ] || {
  mkdir -p "$home"
  [ -O "$home" ]
  # 1 says "not ours"; a shell without -O says 2, and there the mode of the directory has to do.
  [ $? -ne 1 ] || leave
}
[ -d "$home/spool" ] || mkdir -p "$home/spool" || leave
[ ! -h "$home/spool" ] || leave

# --- An id that never recurs, as a pid does: a commit that is applied again would delete a new event of the same name.

random=''
if read -r random </proc/sys/kernel/random/uuid; then
  :
elif [ "${RANDOM:-}" != "${RANDOM:-}" ]; then
  random=$RANDOM-$RANDOM-$RANDOM-$RANDOM-$RANDOM
else
  # shellcheck disable=SC2046
  set -- $(od -An -N16 -tx4 /dev/urandom || date +%s)
  random=${1:-}${2:-}${3:-}${4:-}
fi
[ -n "$random" ] || leave
id=$$.$random
envelope=$home/spool/$id.evt

# --- The header.

# add <key> <value>: a value with a newline could forge a line, so it is left out.
add() {
  case $2 in
  '' | *"$newline"*) ;;
  *) header=$header$1=$2$newline ;;
  esac
}

header=''
add v 1
add id "$id"
add agent "$agent"
add event "$event"
# Some locales have a comma here.
case $time in
*[.,]*) add time "${time%[.,]*}.${time#*[.,]}" ;;
esac
add pid "$$"
add ppid "$PPID"
add cwd "${PWD:-}"
add traceparent "${TRACEPARENT:-}"
add tracestate "${TRACESTATE:-}"
# By name only: the environment holds secrets.
add env.CLAUDE_PID "${CLAUDE_PID:-}"
add env.CLAUDE_CODE_ENTRYPOINT "${CLAUDE_CODE_ENTRYPOINT:-}"
add env.CLAUDE_CODE_ENABLE_TELEMETRY "${CLAUDE_CODE_ENABLE_TELEMETRY:-}"
add env.CLAUDECODE "${CLAUDECODE:-}"
add env.CLAUDE_CODE_SESSION_ID "${CLAUDE_CODE_SESSION_ID:-}"
add env.HERMES_HOME "${HERMES_HOME:-}"
add env.HERMES_INTERACTIVE "${HERMES_INTERACTIVE:-}"
add env.CODEX_HOME "${CODEX_HOME:-}"
add env.CI "${CI:-}"
# From hookspan-wrap.sh: how the run of another hook ended, whose payload this is.
if [ -n "${HOOKSPAN_WRAP_CODE:-}" ]; then
  add wrap.name "${HOOKSPAN_WRAP_NAME:-}"
  add wrap.source "${HOOKSPAN_WRAP_SOURCE:-}"
  add wrap.settings "${HOOKSPAN_WRAP_SETTINGS:-}"
  add wrap.code "$HOOKSPAN_WRAP_CODE"
  add wrap.began "${HOOKSPAN_WRAP_BEGAN:-}"
  add wrap.ended "${HOOKSPAN_WRAP_ENDED:-}"
  add wrap.decision "${HOOKSPAN_WRAP_DECISION:-}"
  add wrap.home "${HOME:-}"
fi

# --- The usual path: a bridge lives.

# lease: line 1 pid, line 2 host; a living bridge keeps its time up to a minute ahead of the envelope's. So a recycled
# pid, a container that shares the home and a home on NFS come out right; `kill -0` tells a crash at once, on one host.
is_bridge_alive() {
  [ "$home/lease" -nt "$envelope" ] || return 1
  pid=''
  read -r pid <"$home/lease"
  case $pid in
  '' | *[!0-9]*) return 1 ;;
  esac
  kill -0 "$pid" || is_held_elsewhere
}

is_held_elsewhere() {
  host='' here=''
  { read -r pid && read -r host; } <"$home/lease"
  read -r here </proc/sys/kernel/hostname || here=${BASH_VERSION:+${HOSTNAME:-}}
  [ -n "$here" ] || read -r here </etc/hostname
  [ "$here" != "$host" ] || [ -z "$here" ]
}

# `cat` needs no locale, and to load one takes as long as the rest of this script. Nor should it be searched for.
fill() {
  { printf '%s\n' "$header" && LC_ALL=C PATH=/bin:/usr/bin:${PATH:-} cat && printf '\nend=%s\n' "$id"; } || cat >/dev/null
}

# The file is made before it is filled: its time is the "now" that the lease is compared with.
is_made=''
is_full=''
set -C
{
  is_made=yes
  ! is_bridge_alive || { fill && is_full=yes; }
} >"$envelope"
[ -n "$is_made" ] || leave
# The bridge may have left while a slow payload came.
if [ -n "$is_full" ] && is_bridge_alive; then exit 0; fi

# --- No bridge lives. What follows is below an exit because a shell reads a script as it goes: the usual path shall not
# --- pay for it.

is_autostart_off() {
  [ "${HOOKSPAN_AUTOSTART:-}" = 0 ]
}

find_bridge() {
  [ -n "$node" ] && [ -x "$node" ] || { node=node && command -v node; } || return 1
  [ -z "$bridge" ] || [ ! -f "$bridge" ] || return 0
  self=$0
  while [ -h "$self" ]; do
    target=$(readlink "$self") || return 1
    case $target in
    /*) self=$target ;;
    *) self=${self%"${self##*/}"}$target ;;
    esac
  done
  case $self in
  /*) ;;
  *) self=$PWD/$self ;;
  esac
  bridge=${self%/*}/../dist/hookspan.cjs
  [ -f "$bridge" ]
}

is_spool_full() {
  # About one hook in 32 counts.
  case $random in
  *[048c][08]) ;;
  *) return 1 ;;
  esac
  set -- "$home"/spool/*
  [ $# -gt 50000 ]
}

# forgo <reason>: prompts must not pile up on disk where no bridge can be had, nor without end where none takes them away.
forgo() {
  true >|"$home/$1"
  rm -f "$envelope"
  leave
}

# run_bridge <node> <bridge> <home>: in a session of its own, for an agent may kill the hook's process group. What the shell
# of one project exports must not decide for all, and NODE_OPTIONS must not kill the bridge, so most of the environment
# goes. Not by `env -i NAME=value`: the headers are a secret, and other users can see arguments. This script's variables
# may go as well, for the agent may have exported one of the same name.
run_bridge() {
  cd / || exit
  set -f
  IFS=$newline
  for name in $(export -p); do
    name=${name#export }
    name=${name#declare -x }
    name=${name%%=*}
    case $name in
    '' | *[!A-Za-z0-9_]* | [0-9]*) ;; # a later line of some value
    PATH | HOME | XDG_* | HOOKSPAN_CONFIG | HOOKSPAN_ENDPOINT | HOOKSPAN_HEADERS | HOOKSPAN_INSTANCE | HOOKSPAN_LOG_LEVEL) ;;
    SYSTEMROOT | USERPROFILE) ;; # Node on Windows does not start without them
    *) command unset -v "$name" ;;
    esac
  done
  # However this hook found its state directory, the bridge shall look after the same one.
  export HOOKSPAN_HOME="$3"
  if command -v setsid; then exec setsid "$1" "$2" bridge --until-idle; fi
  exec "$1" -e 'require("child_process").spawn(process.execPath, process.argv.slice(1), { detached: true, stdio: "ignore" }).unref()' \
    "$2" bridge --until-idle
}

if [ -z "$is_full" ]; then
  is_autostart_off || find_bridge || forgo no-node
  ! is_spool_full || forgo dropped
  # `>` is barred by noclobber, and under `>>` the kernel cannot copy on behalf of `cat`.
  fill 1<>"$envelope" || leave
fi
# All descriptors closed: an agent may wait for the last holder of the hook's pipes.
if ! is_autostart_off && find_bridge; then
  run_bridge "$node" "$bridge" "$home" </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
fi
