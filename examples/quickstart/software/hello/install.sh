# Writes the tool in the version that is wanted.
set -eu
mkdir -p "$HOME/muster-quickstart/bin"
new="$HOME/muster-quickstart/bin/.hello.new"
cat > "$new" <<'TOOL'
#!/bin/sh
case "${1:-}" in
  --version) echo "@VERSION@" ;;
  *) head -n 1 "$HOME/muster-quickstart/share/phrases" ;;
esac
TOOL
sed "s/@VERSION@/$MUSTER_VERSION/" "$new" > "$new.2"
chmod 755 "$new.2"
mv "$new.2" "$HOME/muster-quickstart/bin/hello"
rm -f "$new"
