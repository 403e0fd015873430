#!/bin/sh
# hookspan-statusline.sh [-- command ...]: keeps the cost that Claude Code shows its status line, and runs the user's own status
# line command as it is. POSIX sh. Without a command it prints nothing. What cannot be kept is let go: the status line comes first.
#
# Kept are the session's id and its cost block, nothing else, in one file per session that is replaced when a total has changed;
# when, the file's own time says.
#
# The command's environment, umask and descriptors are its own: every name here begins with hs_, and what this script needs
# otherwise it sets in a subshell.
#
# Not in POSIX, and looked at with care where they are used: test -O, ulimit -c.
# shellcheck disable=SC3045,SC3067

[ -z "${ZSH_VERSION:-}" ] || emulate sh
[ "${1:-}" != -- ] || shift

hs_run_alone() {
  [ $# -gt 0 ] || exit 0
  exec "$@"
}

# --- Where nothing can be kept, this process becomes the command. A terminal would be read on beyond the status line.

case ${HOOKSPAN_DISABLED:-} in
1 | [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn]) hs_run_alone "$@" ;;
esac
# To copy a descriptor to another number tells whether it is open, to itself does not.
{ true 9<&0; } 2>/dev/null || hs_run_alone "$@"
[ ! -t 0 ] || hs_run_alone "$@"
hs_home=${HOME:+$HOME/.local/state/hookspan}
case ${XDG_STATE_HOME:-} in
/*) hs_home=$XDG_STATE_HOME/hookspan ;;
esac
hs_home=${HOOKSPAN_HOME:-$hs_home}
# A slash at the end would hide a symlink.
while [ "$hs_home" != "${hs_home%/}" ]; do hs_home=${hs_home%/}; done
case $hs_home in
/*) ;;
*) hs_run_alone "$@" ;;
esac
# Hooks make it. Without them nobody would read what is kept.
[ -d "$hs_home" ] || hs_run_alone "$@"
[ ! -h "$hs_home" ] || hs_run_alone "$@"

# --- The payload. The x keeps newlines at its end, which a command substitution would cut off.

{ hs_payload=$(LC_ALL=C PATH=/bin:/usr/bin:${PATH:-} cat && printf x); } 2>/dev/null

# find_member <name>: what follows the first `"name":` of the payload, in `rest`. Quotes within a string are escaped, so no text can
# forge it.
find_member() {
  rest=${hs_payload#*\""$1"\":}
  [ "$rest" != "$hs_payload" ] || return 1
  while [ "$rest" != "${rest# }" ]; do rest=${rest# }; done
}

# find_total <name> <block>: the text of a number, in `total`; empty if there is none.
find_total() {
  total=''
  case $2 in
  *\""$1"\":*)
    total=${2#*\""$1"\":}
    total=${total%%,*}
    ;;
  esac
}

find_totals() {
  find_total total_cost_usd "$1"
  totals=$total
  find_total total_lines_added "$1"
  totals=$totals,$total
  find_total total_lines_removed "$1"
  totals=$totals,$total
}

keep() {
  # 1 says "not ours"; a shell without -O says 2, and there the mode of the directory has to do.
  [ -O "$hs_home" ]
  [ $? -ne 1 ] || return
  [ "${#hs_payload}" -le 65536 ] || return

  find_member session_id || return
  rest=${rest#\"}
  id=${rest%%\"*}
  case $id in
  '' | *[!A-Za-z0-9_-]*) return ;;
  esac
  [ "${#id}" -le 128 ] || return

  find_member cost || return
  case $rest in
  '{'*) ;;
  *) return ;;
  esac
  block=${rest#?}
  block=${block%%'}'*}
  case $block in
  '' | *[!A-Za-z0-9_\":,.+\ -]*) return ;;
  esac
  [ "${#block}" -le 1024 ] || return

  directory=$hs_home/statusline
  file=$directory/$id.json
  find_totals "$block"
  now=$totals
  if [ -f "$file" ]; then
    # The status line comes several times a second, and totals seldom change.
    read -r kept <"$file"
    kept=${kept#*\"cost\":?}
    find_totals "${kept%??}"
    [ "$now" != "$totals" ] || return
  else
    [ -d "$directory" ] || mkdir "$directory" || return
    [ ! -h "$directory" ] || return
    set -- "$directory"/*.json
    [ $# -lt 1000 ] || return
  fi
  temporary=$directory/.$id.$$
  if printf '{"v":1,"session_id":"%s","cost":{%s}}\n' "$id" "$block" >"$temporary"; then
    mv -f "$temporary" "$file"
  else
    rm -f "$temporary"
  fi
}

(
  exec </dev/null >/dev/null 2>&1
  # A full disk or a file size limit shall be a failed write, not a death.
  trap '' PIPE XFSZ
  umask 077
  set +C
  LC_ALL=C
  keep
)

# --- The user's own status line.

[ $# -gt 0 ] || exit 0
{ true >&2; } 2>/dev/null || exec 2>/dev/null
# The shell's own words on how a command has ended are not the command's.
{
  printf '%s' "${hs_payload%x}" | "$@" 2>&9 9>&-
  hs_status=$?
} 9>&2 2>/dev/null
case $hs_status in
129 | 130 | 131 | 132 | 134 | 136 | 137 | 139 | 141 | 142 | 143)
  # Killed by a signal: whoever waits for this process shall see the same.
  {
    ulimit -c 0
    trap - "$((hs_status - 128))"
    kill -"$((hs_status - 128))" "$$"
  } 2>/dev/null
  ;;
esac
exit "$hs_status"
