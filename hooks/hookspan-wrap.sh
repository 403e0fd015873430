#!/bin/sh
# hookspan-wrap.sh --event E --name N [--agent A] [--source S | --settings FILE] -- command ...: runs another hook as it is;
# hookspan-wrap-report.sh beside it tells of the run when it has ended. POSIX sh. What cannot be reported is run all the same.
#
# The agent waits for this script, so between the hook and the agent there are no programs but two copiers, which start
# while the hook does, and where the shell needs it, `env`.
#
# The hook's environment and umask are its own: every name here begins with hs_, and what this script needs otherwise it
# sets in subshells.
#
# Not in POSIX, and looked at with care where they are used: EPOCHREALTIME, RANDOM, test -O, /dev/fd.
# shellcheck disable=SC2015,SC2030,SC2031,SC2034,SC3028,SC3067

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
# Without a payload nobody knows whose run it is; and a terminal would be read on beyond the hook. To copy a descriptor to
# another number tells whether it is open, to itself does not.
true >&2 && { true 9<&0 8>&1; } 2>/dev/null && [ ! -t 0 ] || exec "$@"
command -v tee >/dev/null || exec "$@"

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
  *) [ ! -e "$hs_home/wrap/env-resets" ] || ! command -v env >/dev/null || hs_reset=yes ;;
  esac
fi

# --- Two pipes: 7 to 8 is the hook's stdin, 5 to 6 its stdout. By descriptor 9 the agent's stdin, for in the background
# --- descriptor 0 is /dev/null; by 4 the agent's stderr. 2 to 3 tells the hook when the copiers are ready.

# Most shells have a pipe behind a here-document, and Linux opens the other end of it by its name: no program is started.
if { [ -p /dev/fd/8 ] && true >/dev/fd/8; } 8<<. 2>/dev/null; then

.
  exec 9<&0 8<<. 6<<. 3<<.

.

.

.
  read -r hs_line <&8
  read -r hs_line <&6
  read -r hs_line <&3
  exec 7>/dev/fd/8 5>/dev/fd/6 4>&2 2>/dev/fd/3
elif (umask 077 && exec mkfifo "$hs_work.in" "$hs_work.out" "$hs_work.ready") 2>/dev/null; then
  # To open one end waits for the other.
  exec 9<&0 7<>"$hs_work.in" 5<>"$hs_work.out" 4>&2 2<>"$hs_work.ready"
  exec 8<"$hs_work.in" 6<"$hs_work.out" 3<"$hs_work.ready"
  exec 7>"$hs_work.in" 5>"$hs_work.out" 2>"$hs_work.ready"
else
  exec "$@"
fi

# --- The hook, between two copiers. In the background, for only so a signal to us can be passed on at once.

hs_hook='' hs_signal=''
# hs_pass <signal>: called by traps.
# shellcheck disable=SC2317
hs_pass() {
  hs_signal=$1
  [ -z "$hs_hook" ] || kill -s "$1" "$hs_hook"
}
for hs_one in HUP INT QUIT TERM USR1 USR2; do
  # shellcheck disable=SC2064
  trap "hs_pass $hs_one" "$hs_one"
done
trap : ALRM

# Both copiers end by themselves, when their input does. To this one SIGPIPE is left: the hook shall learn that nobody reads.
(
  trap '' HUP INT QUIT TERM USR1 USR2 XFSZ
  umask 077
  export LC_ALL=C
  echo >&2
  exec tee "$hs_work.stdout" 2>/dev/null
) <&6 3<&- 4>&- 5>&- 6<&- 7>&- 8<&- 9<&- &
hs_stdout=$!
# It reads on when the hook does not, for the payload says whose run it was.
(
  trap '' HUP INT QUIT PIPE TERM USR1 USR2 XFSZ
  umask 077
  export LC_ALL=C
  echo >&2
  exec tee "$hs_work.payload" 2>/dev/null
) <&9 >&7 3<&- 4>&- 5>&- 6<&- 7>&- 8<&- 9<&- &
hs_stdin=$!
(
  trap - HUP INT QUIT TERM USR1 USR2 ALRM
  # A line of each copier: from now on no signal to the group takes them away from the hook. Or the end, if one was sooner.
  read -r hs_line <&3
  read -r hs_line <&3
  exec 3<&-
  [ -z "$hs_reset" ] || exec env --default-signal=INT,QUIT "$@"
  exec "$@"
) <&8 >&5 2>&4 4>&- 5>&- 6<&- 7>&- 8<&- 9<&- &
hs_hook=$!
# Nor has bash anything to say of a hook that was killed.
exec 2>/dev/null 3<&- 4>&- 5>&- 6<&- 7>&- 8<&- 9<&-
# Asked to leave a moment before there was a hook.
[ -z "$hs_signal" ] || hs_pass "$hs_signal"
# For shells without a clock, a file's time has to do. To make one takes a while, in which the hook starts.
[ -n "$hs_began" ] || true >"$hs_work.began"

hs_code=''
while :; do
  hs_signal=''
  wait "$hs_hook"
  hs_now=$?
  # A signal ends the wait, not the hook, so it is asked again. Once told, a status is not known any more; and bash loses
  # that of a hook which ends in the very moment, and says -1. There the signal has to do.
  case $hs_now in
  127 | -1) hs_code=${hs_code:-$hs_now} ;;
  *) hs_code=$hs_now ;;
  esac
  [ -n "$hs_signal" ] || break
done
hs_hook=''
hs_ended=${EPOCHREALTIME:-}

# --- The report, while what the hook has written is on its way. It holds no descriptor of the agent's.

hs_report() {
  umask 077
  trap '' HUP INT QUIT TERM USR1 USR2 ALRM XFSZ
  [ -n "$hs_ended" ] || true >"$hs_work.ended"
  hs_self=$0
  while [ -h "$hs_self" ]; do
    hs_target=$(readlink "$hs_self") || return
    case $hs_target in
    /*) hs_self=$hs_target ;;
    *) hs_self=${hs_self%"${hs_self##*/}"}$hs_target ;;
    esac
  done
  case $hs_self in
  */*) ;;
  *) hs_self=./$hs_self ;;
  esac
  export HOOKSPAN_WRAP_NAME="${hs_name:-${1##*/}}"
  export HOOKSPAN_WRAP_SOURCE="$hs_source"
  export HOOKSPAN_WRAP_SETTINGS="$hs_settings"
  export HOOKSPAN_WRAP_CODE="$hs_code"
  export HOOKSPAN_WRAP_BEGAN="$hs_began"
  export HOOKSPAN_WRAP_ENDED="$hs_ended"
  set -- sh "${hs_self%/*}/hookspan-wrap-report.sh" "$hs_agent" "$hs_event" "$hs_work" "$$" "$hs_stdin" "$hs_stdout"
  # In a session of its own, for an agent may kill the group as soon as the hook has ended.
  command -v setsid && exec setsid "$@"
  exec "$@"
}
hs_report "$@" </dev/null >/dev/null &

# An agent may take our end for the end of what we write. But a child that the hook has left behind may hold the pipe, so
# the reporter ends this wait after a while, by SIGALRM.
wait "$hs_stdout"

# A shell tells death by a signal from an exit by 128 and more only by this.
case $hs_code in
129 | 13[0-9] | 14[0-9] | 15[0-9])
  # shellcheck disable=SC3045
  ulimit -c 0
  trap - HUP INT QUIT TERM USR1 USR2
  # The reporter may still send this one.
  [ "$hs_code" -ne 142 ] || trap - ALRM
  kill -$((hs_code - 128)) $$
  ;;
esac
exit "$hs_code"
