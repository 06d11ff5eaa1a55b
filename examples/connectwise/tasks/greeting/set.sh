set -eu
printf '%s\n' "$MUSTER_PARAM_TEXT" >"$HOME/greeting.txt"
