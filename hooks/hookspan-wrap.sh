#!/bin/sh
# hookspan-wrap.sh --event E --name N [--agent A] [--source S | --settings FILE] -- command ...: runs another hook as it is, and
# puts an envelope about its run into the spool when it has ended. POSIX sh. What cannot be reported is run all the same.
#
# The hook's environment, umask and descriptors are its own: every name here begins with hs_, and what this script needs
# otherwise it sets in subshells.
#
# Not in POSIX, and looked at with care where they are used: EPOCHREALTIME, RANDOM, test -O.
# shellcheck disable=SC2015,SC3028,SC3067

[ -z "${ZSH_VERSION:-}" ] || emulate sh

hs_agent=claude-code hs_event='' hs_name='' hs_source='' hs_settings=''
while [ $# -gt 0 ]; do
  case $1 in
  --)
    shift
    break
    ;;
  --agent | --event | --name | --source | --settings)
    [ $# -gt 1 ] || break
    case $1 in
    --agent) hs_agent=$2 ;;
    --event) hs_event=$2 ;;
    --name) hs_name=$2 ;;
    --source) hs_source=$2 ;;
    --settings) hs_settings=$2 ;;
    esac
    shift 2
    ;;
  *)
    # Not 2: that would block.
    echo "hookspan-wrap: unknown option $1" >&2
    exit 1
    ;;
  esac
done
if [ $# -eq 0 ]; then
  echo 'hookspan-wrap: no command; usage: hookspan-wrap.sh --event E --name N -- command ...' >&2
  exit 1
fi

# --- Where nothing can be reported, this process becomes the hook.

case ${HOOKSPAN_DISABLED:-} in
1 | [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn]) exec "$@" ;;
esac
# Without a payload nobody knows whose run it is; and a terminal would be read on beyond the hook.
{ true <&0; } 2>/dev/null && [ ! -t 0 ] && { true >&1; } 2>/dev/null || exec "$@"

hs_home=${HOME:+$HOME/.local/state/hookspan}
case ${XDG_STATE_HOME:-} in
/*) hs_home=$XDG_STATE_HOME/hookspan ;;
esac
hs_home=${HOOKSPAN_HOME:-$hs_home}
while [ "$hs_home" != "${hs_home%/}" ]; do hs_home=${hs_home%/}; done
case $hs_home in
/*) ;;
*) exec "$@" ;;
esac
[ ! -h "$hs_home" ] && [ ! -h "$hs_home/wrap" ] || exec "$@"
[ -d "$hs_home/wrap" ] || (umask 077 && exec mkdir -p "$hs_home/wrap") 2>/dev/null || exec "$@"
[ -O "$hs_home/wrap" ] 2>/dev/null
# 1 says "not ours"; a shell without -O says 2.
[ $? -ne 1 ] || exec "$@"

hs_random=''
{ read -r hs_random </proc/sys/kernel/random/uuid; } 2>/dev/null || hs_random=${RANDOM:-0}${RANDOM:-0}
hs_work=$hs_home/wrap/$$.$hs_random
hs_began=${EPOCHREALTIME:-}
# Its time is the beginning, for shells without a clock.
[ -n "$hs_began" ] || { true >"$hs_work.began"; } 2>/dev/null
(umask 077 && exec mkfifo "$hs_work.in" "$hs_work.out") 2>/dev/null || exec "$@"

# In the background shells have SIGINT and SIGQUIT ignored, and some let nobody undo it. GNU env does.
hs_reset=''
if [ -z "${BASH_VERSION:-}${ZSH_VERSION:-}" ]; then
  if [ ! -e "$hs_home/wrap/env-resets" ] && [ ! -e "$hs_home/wrap/env-does-not" ]; then
    if env --default-signal=INT,QUIT true 2>/dev/null; then
      { true >"$hs_home/wrap/env-resets"; } 2>/dev/null
    else
      { true >"$hs_home/wrap/env-does-not"; } 2>/dev/null
    fi
  fi
  case $1 in
  -* | *=*) ;;
  *) [ ! -e "$hs_home/wrap/env-resets" ] || hs_reset=yes ;;
  esac
fi

# --- The hook, between two copiers. In the background, for only so a signal to us can be passed on at once.

hs_hook='' hs_signal=''
# hs_pass <signal>: called by traps.
# shellcheck disable=SC2317
hs_pass() {
  hs_signal=$1
  [ -z "$hs_hook" ] || kill -s "$1" "$hs_hook" 2>/dev/null
}
for hs_one in HUP INT QUIT TERM USR1 USR2; do
  # shellcheck disable=SC2064
  trap "hs_pass $hs_one" "$hs_one"
done
trap : ALRM

# By descriptor 9, for in the background descriptor 0 is /dev/null. They end by themselves, when their input does.
exec 9<&0
# It reads on when the hook does not, for the payload says whose run it was.
(
  umask 077
  trap '' HUP INT QUIT PIPE TERM USR1 USR2 XFSZ
  exec tee "$hs_work.payload" <&9 9<&- >"$hs_work.in"
) >/dev/null 2>&1 &
hs_stdin=$!
# SIGPIPE is left: the hook shall learn that nobody reads.
(
  umask 077
  trap '' HUP INT QUIT TERM USR1 USR2 XFSZ
  exec tee "$hs_work.stdout" <"$hs_work.out" 9<&- 2>/dev/null
) &
hs_stdout=$!
(
  trap - HUP INT QUIT TERM USR1 USR2 ALRM
  [ -z "$hs_reset" ] || exec env --default-signal=INT,QUIT "$@"
  exec "$@"
) <"$hs_work.in" >"$hs_work.out" 9<&- &
hs_hook=$!
exec 9<&-
# Asked to leave a moment before there was a hook.
[ -z "$hs_signal" ] || hs_pass "$hs_signal"

hs_code=''
while :; do
  hs_signal=''
  wait "$hs_hook" 2>/dev/null
  hs_now=$?
  # Once told, a status is not known any more.
  [ "$hs_now" -eq 127 ] && [ -n "$hs_code" ] || hs_code=$hs_now
  [ -n "$hs_signal" ] || break
done
hs_hook=''
hs_ended=${EPOCHREALTIME:-}

# --- The report, when what the hook has written is on its way.

hs_find_hook() {
  hs_self=$0
  while [ -h "$hs_self" ]; do
    hs_target=$(readlink "$hs_self") || return 1
    case $hs_target in
    /*) hs_self=$hs_target ;;
    *) hs_self=${hs_self%"${hs_self##*/}"}$hs_target ;;
    esac
  done
  case $hs_self in
  */*) ;;
  *) hs_self=./$hs_self ;;
  esac
  hs_self=${hs_self%/*}/hookspan.sh
  [ -f "$hs_self" ]
}

# What an agent takes for a no. In a string the quotes would have a backslash.
hs_decision() {
  [ -s "$hs_work.stdout" ] || return
  case $(head -c 262144 "$hs_work.stdout" | tr -d ' \t\r\n') in
  [!\{]* | '') ;;
  *'"decision":"block"'* | *'"decision":"deny"'* | *'"permissionDecision":"deny"'* | *'"permission":"deny"'* | *'"action":"block"'* | *'"continue":false'*)
    echo block
    ;;
  esac
}

# hs_wait_for <pid>: not ours to wait for.
hs_wait_for() {
  hs_tries=0
  while kill -0 "$1"; do
    [ $hs_tries -lt 20 ] || {
      kill -s KILL "$1"
      return
    }
    sleep 0.1 || sleep 1
    hs_tries=$((hs_tries + 1))
  done
}

hs_report() {
  umask 077
  trap '' HUP INT QUIT TERM USR1 USR2 XFSZ
  [ -n "$hs_ended" ] || hs_ended=$(date +%s.%N)
  rm -f "$hs_work.in" "$hs_work.out"
  # The agent may never end what the hook did not read.
  hs_wait_for "$hs_stdin"
  [ -n "$hs_began" ] || hs_began=$(date -r "$hs_work.began" +%s.%N)
  ! hs_find_hook || hs_put "$@"
  rm -f "$hs_work".*
  # About one in 16 sweeps: who is killed leaves its files.
  case $hs_random in
  *0) find "$hs_home/wrap" -type f -mmin +60 -name '*.*' -exec rm -f {} + ;;
  esac
}

hs_put() {
  export HOOKSPAN_WRAP_NAME="${hs_name:-${1##*/}}"
  export HOOKSPAN_WRAP_SOURCE="$hs_source"
  export HOOKSPAN_WRAP_SETTINGS="$hs_settings"
  export HOOKSPAN_WRAP_CODE="$hs_code"
  export HOOKSPAN_WRAP_BEGAN="$hs_began"
  export HOOKSPAN_WRAP_ENDED="$hs_ended"
  HOOKSPAN_WRAP_DECISION=$(hs_decision)
  export HOOKSPAN_WRAP_DECISION
  sh "$hs_self" "$hs_agent" "$hs_event" <"$hs_work.payload"
}

# An agent may take our end for the end of what we write. But a child that the hook has left behind may hold the pipe.
(sleep 0.2 || sleep 1 && kill -s ALRM $$) </dev/null >/dev/null 2>&1 &
hs_clock=$!
wait "$hs_stdout" 2>/dev/null
kill "$hs_clock" 2>/dev/null
hs_report "$@" </dev/null >/dev/null 2>&1 &

# A shell tells death by a signal from an exit by 128 and more only by this.
case $hs_code in
129 | 13[0-9] | 14[0-9] | 15[0-9])
  # shellcheck disable=SC3045
  ulimit -c 0 2>/dev/null
  trap - HUP INT QUIT TERM USR1 USR2 ALRM
  kill -$((hs_code - 128)) $$
  ;;
esac
exit "$hs_code"
