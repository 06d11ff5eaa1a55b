# Sees to it that a file is in the cache: fetches it unless it is there already, goes on where it broke off, and keeps it
# only with the right SHA-256. Nothing else on the computer is touched.
url=$MUSTER_PAYLOAD_URL
# What follows a ? may be a secret.
shown=${url%%[?#]*}
case ${MUSTER_PAYLOAD_FETCHED:-} in
muster) brought='Muster sent' ;;
*) brought='the download script brought' ;;
esac
if [ -f "$file" ]; then
  found=$(hash_of "$file") || exit 1
  if [ "$found" = "$MUSTER_PAYLOAD_SHA256" ]; then
    echo 'the file is in the cache'
    exit 0
  fi
  rm -f "$file"
  [ -z "${MUSTER_PAYLOAD_FETCHED:-}" ] || die "$brought a file with the SHA-256 $found, and $MUSTER_PAYLOAD_SHA256 is wanted"
fi
[ -z "${MUSTER_PAYLOAD_FETCHED:-}" ] || die "$brought no file"

# Keeps what is run from here from writing more than the declared size: the unit is 512 bytes, with some shells 1024.
no_more() {
  if [ -n "$MUSTER_PAYLOAD_SIZE" ]; then ulimit -c 0; ulimit -f $(( (MUSTER_PAYLOAD_SIZE + 1023) / 512 )); fi 2>/dev/null
}

# Fetches what is missing of the part; sets `ended` to the program's exit code, and `larger` when there is too much of it.
fetch() {
  larger=
  if has curl; then
    set -- -q -fsSL --connect-timeout 30 --speed-limit 1 --speed-time 60 -C - -o "$part"
    if [ -n "$MUSTER_PAYLOAD_SIZE" ]; then set -- "$@" --max-filesize "$MUSTER_PAYLOAD_SIZE"; fi
    (no_more; exec curl "$@" -- "$url")
    ended=$?
    case $ended in
    # A server that cannot go on in the middle is asked for the whole.
    33 | 36) rm -f "$part" ;;
    63) larger=yes ;;
    esac
  elif has wget; then
    (no_more; exec wget -q -c -T 60 -O "$part" "$url")
    ended=$?
  else
    die 'there is neither curl nor wget'
  fi
}

tries=0
best=0
whole=
while :; do
  before=$(size_of "$part")
  if [ -n "$MUSTER_PAYLOAD_SIZE" ] && [ "$before" -gt "$MUSTER_PAYLOAD_SIZE" ]; then rm -f "$part"; before=0; fi
  if [ "$before" = 0 ]; then whole=yes; fi
  if [ "$before" != 0 ] && [ "$before" = "$MUSTER_PAYLOAD_SIZE" ]; then ended=0 larger=; else fetch; fi
  if [ -n "$MUSTER_PAYLOAD_SIZE" ] && [ "$(size_of "$part")" -gt "$MUSTER_PAYLOAD_SIZE" ]; then larger=yes; fi
  if [ -n "$larger" ]; then
    rm -f "$part"
    # The beginning may have been of another file.
    [ -z "$whole" ] || die "the file at $shown has more than its $MUSTER_PAYLOAD_SIZE bytes; it was deleted"
    best=0 tries=0
    continue
  fi
  if [ "$ended" = 0 ]; then
    found=$(hash_of "$part") || exit 1
    if [ "$found" = "$MUSTER_PAYLOAD_SHA256" ]; then
      mv -f "$part" "$file" || die "the cache $folder cannot be written"
      echo 'the file was fetched'
      exit 0
    fi
    rm -f "$part"
    # The beginning may have been of another file.
    [ -z "$whole" ] || die "the file at $shown has the SHA-256 $found, and $MUSTER_PAYLOAD_SHA256 is wanted; it was deleted"
    best=0 tries=0
    continue
  fi
  after=$(size_of "$part")
  if [ "$after" -gt "$best" ]; then
    # It goes on, however slowly.
    best=$after
    tries=0
  else
    tries=$((tries + 1))
    # What is there may be all of it, or no beginning of it.
    if [ "$before" != 0 ] && [ -f "$part" ]; then
      found=$(hash_of "$part") || exit 1
      if [ "$found" = "$MUSTER_PAYLOAD_SHA256" ]; then mv -f "$part" "$file" && exit 0; fi
      if [ $tries -ge 2 ]; then rm -f "$part"; fi
    fi
  fi
  [ $tries -lt 4 ] || die "$shown could not be fetched"
  sleep $tries
done
