# What the scripts have in common that see to files of releases: where the cache is, and what is in it.
set -u
umask 077
file=$MUSTER_PAYLOAD
folder=${file%/*}
part=$folder/.part
die() {
  printf '%s\n' "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
hash_of() {
  if has sha256sum; then set -- "$(sha256sum <"$1")"
  elif has shasum; then set -- "$(shasum -a 256 <"$1")"
  elif has openssl; then set -- "$(openssl dgst -sha256 -r <"$1")"
  else die 'there is no program that computes SHA-256'; fi
  printf '%s' "${1%% *}"
}
size_of() { if [ -f "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }

mkdir -p "$folder" && [ -d "$folder" ] && [ -O "$folder" ] && [ -O "${folder%/*}" ] || die "the cache $folder cannot be used"
