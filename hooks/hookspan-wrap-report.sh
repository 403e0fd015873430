#!/bin/sh
# hookspan-wrap-report.sh <agent> <event> <work> <wrapper> <stdin copier> <stdout copier>: puts an envelope about the run of
# a wrapped hook into the spool, through hookspan.sh beside it, and deletes what hookspan-wrap.sh has left at <work>.*. The
# last three are pids. Started by hookspan-wrap.sh in the background; HOOKSPAN_WRAP_* say how the hook ended. POSIX sh.

exec </dev/null >/dev/null 2>&1
[ -z "${ZSH_VERSION:-}" ] || emulate sh
umask 077
agent=$1 event=$2 work=$3 wrapper=$4 stdin=$5 stdout=$6

nap() {
  sleep 0.1 || sleep 1
}

# wait_for <pid> <naps> [waiter]: not ours to wait for. Who waits for it, too, is told from the second nap on that it need not.
wait_for() {
  naps=0 waiter=${3:-}
  while kill -0 "$1"; do
    [ $naps -lt "$2" ] || return 1
    nap
    naps=$((naps + 1))
    # Not after its end: the pid may be another's by then.
    [ $naps -lt 2 ] || [ -z "$waiter" ] || kill -s ALRM "$waiter" || waiter=''
  done
}

# What an agent takes for a no, or for the word that all shall end, which it heeds first. In a string the quotes would have a
# backslash.
decision() {
  [ -s "$work.stdout" ] || return
  case $(head -c 262144 "$work.stdout" | tr -d ' \t\r\n') in
  [!\{]* | '') ;;
  *'"continue":false'*)
    echo stop
    ;;
  *'"decision":"block"'* | *'"decision":"deny"'* | *'"permissionDecision":"deny"'* | *'"permission":"deny"'* | *'"action":"block"'*)
    echo block
    ;;
  esac
}

# The hook may have left a child behind, which writes on. What the wrapper's own hook said was there before.
wait_for "$stdout" 20 "$wrapper"
# The agent may never end what the hook did not read.
wait_for "$stdin" 20 || kill -s KILL "$stdin"

# The wrapper's shell may have no clock.
[ -n "${HOOKSPAN_WRAP_BEGAN:-}" ] || HOOKSPAN_WRAP_BEGAN=$(date -r "$work.began" +%s.%N)
[ -n "${HOOKSPAN_WRAP_ENDED:-}" ] || HOOKSPAN_WRAP_ENDED=$(date -r "$work.ended" +%s.%N)
HOOKSPAN_WRAP_DECISION=$(decision)
export HOOKSPAN_WRAP_BEGAN HOOKSPAN_WRAP_ENDED HOOKSPAN_WRAP_DECISION
sh "${0%/*}/hookspan.sh" "$agent" "$event" <"$work.payload"
rm -f "$work".*

# About one in 16 sweeps: who is killed leaves its files.
case $work in
*0) find "${work%/*}" -type f -mmin +60 -name '*.*' -exec rm -f {} + ;;
esac
