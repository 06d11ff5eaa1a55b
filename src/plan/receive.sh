# Takes a file that Muster sends in pieces into the cache. Without a piece it says what is there: `have`, `part` with its size
# and SHA-256, or `none`. Nothing else on the computer is touched.
if [ -z "${MUSTER_PARAM_PIECE:-}" ]; then
  if [ -f "$file" ]; then
    found=$(hash_of "$file") || exit 1
    if [ "$found" = "$MUSTER_PAYLOAD_SHA256" ]; then echo have; exit 0; fi
    rm -f "$file"
  fi
  if [ -f "$part" ]; then
    found=$(hash_of "$part") || exit 1
    echo "part $(size_of "$part") $found"
  else
    echo none
  fi
  exit 0
fi
if [ "$MUSTER_PAYLOAD_OFFSET" = 0 ]; then rm -f "$part"; fi
size=$(size_of "$part")
[ "$size" = "$MUSTER_PAYLOAD_OFFSET" ] || die "$size bytes are there, and the piece that came begins at $MUSTER_PAYLOAD_OFFSET"
cat "$MUSTER_PARAM_PIECE" >>"$part" || die "the cache $folder cannot be written"
size=$(size_of "$part")
if [ "$size" = "$MUSTER_PAYLOAD_SIZE" ]; then
  found=$(hash_of "$part") || exit 1
  if [ "$found" != "$MUSTER_PAYLOAD_SHA256" ]; then
    rm -f "$part"
    die "what came has the SHA-256 $found, and $MUSTER_PAYLOAD_SHA256 is wanted; it was deleted"
  fi
  mv -f "$part" "$file" || die "the cache $folder cannot be written"
  echo have
else
  echo "part $size"
fi
