exec 2>/dev/null
umask 077
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
export PATH
mu_what=$1 mu_id=$2
shift 2

# Says a state, with the clock and with what belongs to it. Nothing here looks like that before it is printed.
mu_say() { printf '\n[muster:%s:\n%s:%s%s:end:%s]\n' "$mu_id" "$1" "$(date +%s)" "${2:+:$2}" "$mu_id"; }

# Prints $1 and a line feed without giving it to a process as an argument.
case $(command -v printf) in
printf) mu_put() { printf '%s\n' "$1"; } ;;
*) mu_put() { cat <<MU_END
$1
MU_END
} ;;
esac

# Goes to the private folder, which is made if there is none.
mu_place() {
  case ${MUSTER_MAIL:-} in
  /*) mu_x=$MUSTER_MAIL ;;
  *)
    if [ "$(id -u)" = 0 ]; then
      mu_x=/var/lib/muster/mail
    else
      case ${XDG_STATE_HOME:-} in
      /*) mu_x=$XDG_STATE_HOME/muster/mail ;;
      *)
        case ${HOME:-} in /*) mu_x=$HOME/.local/state/muster/mail ;; *) return 1 ;; esac
        ;;
      esac
    fi
    ;;
  esac
  if [ ! -d "$mu_x" ]; then mkdir -p "$mu_x"; fi
  [ -d "$mu_x" ] && [ ! -L "$mu_x" ] && [ -O "$mu_x" ] && chmod 700 "$mu_x" && cd "$mu_x"
}

# What can decode and encode; systems differ. Lines have 76 characters, which all of these take.
if [ "$(echo QQ== | base64 -d)" = A ]; then
  mu_decode() { base64 -d; }
  mu_encode() { base64; }
elif [ "$(echo QQ== | base64 -D)" = A ]; then
  mu_decode() { base64 -D; }
  mu_encode() { base64; }
elif [ "$(echo QQ== | openssl base64 -d)" = A ]; then
  mu_decode() { openssl base64 -d; }
  mu_encode() { openssl base64; }
elif [ "$(echo QQ== | perl -MMIME::Base64 -0777 -ne 'print decode_base64($_)')" = A ]; then
  mu_decode() { perl -MMIME::Base64 -0777 -ne 'print decode_base64($_)'; }
  mu_encode() { perl -MMIME::Base64 -0777 -ne 'print encode_base64($_)'; }
elif [ "$(echo QQ== | python3 -c 'import base64,sys;sys.stdout.buffer.write(base64.b64decode(sys.stdin.read()))')" = A ]; then
  mu_decode() { python3 -c 'import base64,sys;sys.stdout.buffer.write(base64.b64decode(sys.stdin.read()))'; }
  mu_encode() { python3 -c 'import base64,sys;sys.stdout.buffer.write(base64.b64encode(sys.stdin.buffer.read()))'; }
else
  mu_decode() { false; }
  mu_encode() { false; }
fi
mu_codes() { [ "$(echo QQ== | mu_decode)" = A ]; }

# What can unpack; only gzip itself packs.
mu_gzip='' mu_unzips=1
if [ "$(echo A | gzip -c | gzip -dc)" = A ]; then
  mu_gzip=1
  mu_unzip() { gzip -dc; }
elif [ "$(python3 -c 'import zlib;print(1)')" = 1 ]; then
  mu_unzip() { python3 -c 'import sys,zlib;sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read(),31))'; }
elif [ "$(perl -MIO::Uncompress::Gunzip -e 'print 1')" = 1 ]; then
  mu_unzip() { perl -MIO::Uncompress::Gunzip=gunzip -e 'binmode STDOUT; gunzip(\*STDIN => \*STDOUT) or exit 1'; }
else
  mu_unzips=''
  mu_unzip() { false; }
fi
mu_unpack() { case $mu_packing in gzip) mu_unzip ;; *) cat ;; esac; }

# Sets mu_sum to a sum of file $1.
mu_check() {
  mu_sum=$(sha256sum <"$1" || shasum -a 256 <"$1" || openssl dgst -sha256 -r <"$1" || cksum <"$1")
  mu_sum=${mu_sum%% *}
  : "${mu_sum:=none}"
}

# Makes the answer from what the bundle has printed. The file `head` comes last: with it the answer is complete.
mu_pack() {
  mu_d=$mu_id/run mu_kind=plain mu_y=$mu_id/run/out
  if [ ! -f "$mu_y" ]; then true >"$mu_y" || return; fi
  if [ -n "$mu_gzip" ] && gzip -c <"$mu_y" >"$mu_d/zip.$$"; then mu_kind=gzip mu_y=$mu_d/zip.$$; fi
  mu_check "$mu_y"
  { mu_encode <"$mu_y" | tr -d '\n\r' | fold -w 76 && echo; } >"$mu_d/text.$$" || return
  printf '%s %s %s\n' $mu_kind "$mu_sum" $(($(wc -l <"$mu_d/text.$$"))) >"$mu_d/head.$$" || return
  mv "$mu_d/text.$$" "$mu_d/text" && mv "$mu_d/head.$$" "$mu_d/head" && rm -f "$mu_d/zip.$$"
}

# Tells what has become of an order that was taken: the answer from line mu_first, at most mu_most lines.
mu_tell() {
  if [ ! -d "$mu_id/run" ]; then
    mu_say cannot folder
    return
  fi
  if read -r mu_x mu_y <"$mu_id/run/refused"; then
    mu_say "$mu_x" "$mu_y"
    return
  fi
  if [ ! -f "$mu_id/run/head" ]; then
    # A run that was ended from outside has what it printed until then for its answer.
    if ! read -r mu_x <"$mu_id/run/pid" || kill -0 "$mu_x"; then
      # It may have ended just now.
      if [ ! -f "$mu_id/run/head" ]; then
        mu_say running
        return
      fi
    elif [ ! -f "$mu_id/run/head" ] && ! mu_pack; then
      mu_say broken
      return
    fi
  fi
  read -r mu_kind mu_sum mu_total <"$mu_id/run/head"
  mu_last=$((mu_first + mu_most - 1))
  if [ $mu_last -gt "$mu_total" ]; then mu_last=$mu_total; fi
  printf '\n[muster:%s:\ndone:%s:%s:\n%s:\n%s:%s:%s:\n' "$mu_id" "$(date +%s)" "$mu_kind" "$mu_sum" \
    "$mu_total" "$mu_first" $((mu_last - mu_first + 1))
  if [ $mu_last -ge "$mu_first" ]; then sed -n -e "$mu_first,${mu_last}p" -e "${mu_last}q" "$mu_id/run/text"; fi
  printf ':end:%s]\n' "$mu_id"
}

# Refuses an order that was taken, for good.
mu_refuse() {
  printf '%s %s\n' "$1" "$2" >"$mu_id/run/new" && mv "$mu_id/run/new" "$mu_id/run/refused"
  mu_say "$1" "$2"
}

# Says which parts are here.
mu_have() {
  mu_x=
  for mu_y in "$mu_id"/part-*; do
    if [ -f "$mu_y" ]; then mu_x=$mu_x.${mu_y##*-}; fi
  done
  mu_say parts "${mu_x#.}"
}

# Sets mu_top to the highest number that has run. All have as many digits, so their names are in order.
mu_newest() {
  mu_top=
  for mu_x in number-*; do
    case $mu_x in number-[0-9]*) mu_top=${mu_x#number-} ;; esac
  done
}

# Whether number $1 is not lower than $2. Some shells cannot count that far.
mu_reaches() { expr "x$1" '>=' "x$2" >/dev/null; }

mu_feed() {
  if [ "$mu_parts" = 1 ]; then
    mu_put "$mu_piece"
  else
    mu_x=1
    while [ $mu_x -le "$mu_parts" ]; do
      cat "$mu_id/part-$mu_x"
      mu_x=$((mu_x + 1))
    done
  fi
}

mu_run() {
  mu_newest
  if [ -n "$mu_top" ] && mu_reaches "$mu_top" "$mu_number"; then
    mu_refuse superseded "$mu_top"
    return
  fi
  if ! mu_codes; then
    mu_refuse cannot base64
    return
  fi
  if [ "$mu_packing" = gzip ] && [ -z "$mu_unzips" ]; then
    mu_refuse cannot gzip
    return
  fi
  # Of two that come at the same time, the one that sees the other's higher number gives way.
  if ! true >"number-$mu_number"; then
    mu_refuse cannot folder
    return
  fi
  mu_newest
  if [ "$mu_top" != "$mu_number" ]; then
    mu_refuse superseded "$mu_top"
    return
  fi
  for mu_x in number-*; do
    if [ "$mu_x" != "number-$mu_number" ] && mu_reaches "$mu_number" "${mu_x#number-}"; then rm -f "$mu_x"; fi
  done
  mu_feed | mu_decode | mu_unpack | sh >"$mu_id/run/out" &
  mu_x=$!
  echo $mu_x >"$mu_id/run/new" && mv "$mu_id/run/new" "$mu_id/run/pid"
  wait $mu_x
  if mu_pack; then mu_tell; else mu_say broken; fi
  find . ! -name . -prune -type d -mtime +1 -exec rm -rf {} \;
}

mu_order() {
  mu_part=$1 mu_parts=$2 mu_number=$3 mu_from=$4 mu_until=$5 mu_packing=$6 mu_length=$7 mu_first=1 mu_most=$9
  if [ -d "$mu_id/run" ]; then
    mu_tell
    return
  fi
  mu_x=$(mu_put "$mu_piece" | cksum)
  if [ ${#mu_piece} != "$mu_length" ] || { [ -n "$mu_x" ] && [ "${mu_x%% *}" != "$8" ]; }; then
    mu_say damaged "$mu_part"
    return
  fi
  mkdir "$mu_id"
  mu_x=$(date +%s)
  if [ "$mu_x" -gt "$mu_until" ] || [ "$mu_x" -lt "$mu_from" ]; then
    if mkdir "$mu_id/run"; then mu_refuse late; else mu_tell; fi
    return
  fi
  if [ "$mu_parts" -gt 1 ]; then
    if ! mu_put "$mu_piece" >"$mu_id/new-$mu_part.$$" || ! mv "$mu_id/new-$mu_part.$$" "$mu_id/part-$mu_part"; then
      mu_say cannot folder
      return
    fi
    mu_x=1
    while [ $mu_x -le "$mu_parts" ]; do
      if [ ! -f "$mu_id/part-$mu_x" ]; then
        mu_have
        return
      fi
      mu_x=$((mu_x + 1))
    done
  fi
  # Only one can make it.
  if mkdir "$mu_id/run"; then mu_run; else mu_tell; fi
}

if ! mu_place; then
  mu_say cannot folder
elif [ "$mu_what" = order ]; then
  mu_order "$@"
elif [ -d "$mu_id/run" ]; then
  mu_first=$1 mu_most=$2
  mu_tell
elif [ -d "$mu_id" ]; then
  mu_have
else
  mu_say unknown
fi
