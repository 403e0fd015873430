#!/bin/sh
# The plugin's hook: runs hookspan's, the installed one (`hookspan install --hook-only`) or that of the package around this
# directory. Silent and harmless where there is neither.
data=${HOME:+$HOME/.local/share}
case ${XDG_DATA_HOME:-} in
/*) data=$XDG_DATA_HOME ;;
esac
for root in "$data/hookspan" "${0%/*}/../.."; do
  if [ -f "$root/hooks/hookspan.sh" ] && [ -f "$root/dist/hookspan.cjs" ]; then
    exec /bin/sh "$root/hooks/hookspan.sh" claude-code
  fi
done
exec cat >/dev/null 2>&1
