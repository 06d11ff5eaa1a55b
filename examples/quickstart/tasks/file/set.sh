# Writes the file beside its place first, so that nobody sees half of it.
set -eu
file="$HOME/muster-quickstart/$MUSTER_PARAM_PATH"
mkdir -p "$(dirname "$file")"
printf '%s\n' "$MUSTER_PARAM_CONTENT" > "$file.new"
mv "$file.new" "$file"
