# Gives this computer an id of its own where it has none: a file that the collector reads.
set -eu
file="${MUSTER_GENERATED_ID:-/var/lib/muster/id}"
if [ -s "$file" ]; then exit 0; fi
umask 022
mkdir -p -- "$(dirname -- "$file")"
new="$file.new.$$"
printf '%s\n' "$MUSTER_NEW_ID" >"$new"
if [ -e "$file" ] && [ ! -s "$file" ]; then rm -f -- "$file"; fi
# Of two that come at once the first one's id stays.
ln -- "$new" "$file" 2>/dev/null || [ -s "$file" ]
rm -f -- "$new"
