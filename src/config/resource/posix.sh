# What every built-in resource stands on. It is told in MUSTER_METHOD what to do; properties come as variables
# MUSTER_PARAM_NAME, and one that is not set is not managed. `test` and `get` print one line for each property that is
# managed, its parts separated by tabs: muster-field, the name, same or differs, what is wanted, what was found. Texts begin with
# `=`, and `-` stands for what is not there. After `test` comes true or false.
LC_ALL=C
export LC_ALL
umask 022
mr_nl='
'
mr_tab=$(printf '\t')
mr_cr=$(printf '\r')
mr_good=true

mr_fail() {
  printf '%s\n' "$1" >&2
  exit 3
}

# Sets mr_text to $1 on one line without tabs.
mr_line() {
  mr_rest=$1 mr_text=
  while :; do
    mr_head=${mr_rest%%[\\"$mr_nl$mr_tab$mr_cr"]*}
    mr_text=$mr_text$mr_head
    if [ "$mr_head" = "$mr_rest" ]; then return; fi
    mr_rest=${mr_rest#"$mr_head"}
    case $mr_rest in
    "$mr_nl"*) mr_text="$mr_text\\n" ;;
    "$mr_tab"*) mr_text="$mr_text\\t" ;;
    "$mr_cr"*) mr_text="$mr_text\\r" ;;
    *) mr_text="$mr_text\\\\" ;;
    esac
    mr_rest=${mr_rest#?}
  done
}

# mr_says NAME same|differs WANTED FOUND [CONTENT]: the two with their sign before them.
mr_says() {
  if [ "$2" != same ]; then mr_good=false; fi
  mr_line "$3"
  mr_wanted=$mr_text
  mr_line "$4"
  printf 'muster-field\t%s\t%s\t%s\t%s' "$1" "$2" "$mr_wanted" "$mr_text"
  if [ -n "${5:-}" ]; then printf '\t%s' "$5"; fi
  printf '\n'
}

# mr_field NAME WANTED FOUND: two texts that have to be equal.
mr_field() {
  if [ "$2" = "$3" ]; then mr_says "$1" same "=$2" "=$3"; else mr_says "$1" differs "=$2" "=$3"; fi
}

# mr_gone NAME WANTED: wanted, and there is nothing that could have it.
mr_gone() { mr_says "$1" differs "=$2" -; }

# Whether $1 is a mode such as 0644, made four digits long in mr_text.
mr_mode() {
  mr_text=$1
  while [ "${#mr_text}" -lt 4 ]; do mr_text=0$mr_text; done
}

# Sets mr_owner, mr_group and mr_bits of the file $1.
mr_stat() {
  mr_text=$(stat -L -c '%U:%G:%a' -- "$1" 2>/dev/null || stat -L -f '%Su:%Sg:%Mp%Lp' -- "$1") || mr_fail "stat failed for $1"
  mr_owner=${mr_text%%:*}
  mr_text=${mr_text#*:}
  mr_group=${mr_text%%:*}
  mr_mode "${mr_text#*:}"
  mr_bits=$mr_text
}

# Owner, group and mode of $1; $2 is 1 when it is there.
mr_rights() {
  if [ "$2" = 1 ]; then mr_stat "$1"; fi
  if [ -n "${MUSTER_PARAM_OWNER+x}" ]; then
    if [ "$2" = 1 ]; then mr_field owner "$MUSTER_PARAM_OWNER" "$mr_owner"; else mr_gone owner "$MUSTER_PARAM_OWNER"; fi
  fi
  if [ -n "${MUSTER_PARAM_GROUP+x}" ]; then
    if [ "$2" = 1 ]; then mr_field group "$MUSTER_PARAM_GROUP" "$mr_group"; else mr_gone group "$MUSTER_PARAM_GROUP"; fi
  fi
  if [ -n "${MUSTER_PARAM_MODE+x}" ]; then
    mr_mode "$MUSTER_PARAM_MODE"
    mr_want=$mr_text
    if [ "$2" = 1 ]; then mr_field mode "$mr_want" "$mr_bits"; else mr_gone mode "$mr_want"; fi
  fi
}

mr_set_rights() {
  if [ -n "${MUSTER_PARAM_OWNER+x}" ]; then chown -- "$MUSTER_PARAM_OWNER" "$1" || exit 3; fi
  if [ -n "${MUSTER_PARAM_GROUP+x}" ]; then chgrp -- "$MUSTER_PARAM_GROUP" "$1" || exit 3; fi
  if [ -n "${MUSTER_PARAM_MODE+x}" ]; then chmod -- "$MUSTER_PARAM_MODE" "$1" || exit 3; fi
}

# Sets mr_text to where a link leads, so that it is written through and not replaced.
mr_real() {
  mr_text=$1
  if [ -L "$1" ]; then mr_text=$(readlink -f -- "$1") || mr_fail "the link $1 leads nowhere"; fi
}

# Makes an empty file beside $1 with its owner and mode, in mr_new; mr_swap puts it in its place at once.
mr_beside() {
  mr_real "$1"
  mr_at=$mr_text
  mr_new=$(mktemp "$mr_at.muster.XXXXXX") || mr_fail "no file can be made beside $mr_at"
  trap 'rm -f -- "$mr_new"' 0
  if [ -e "$mr_at" ]; then
    cp -p -- "$mr_at" "$mr_new" || exit 3
    : >"$mr_new"
  else
    chmod 644 "$mr_new" || exit 3
  fi
}

mr_swap() {
  # A file that something is mounted on cannot be replaced, only written.
  mv -f -- "$mr_new" "$mr_at" 2>/dev/null || cat "$mr_new" >"$mr_at" || exit 3
}

# sha256:DIGITS of a file in mr_text, or a weaker sum where there is nothing better.
mr_sum() {
  if command -v sha256sum >/dev/null; then
    mr_text=$(sha256sum <"$1")
    mr_text=sha256:${mr_text%% *}
  elif command -v shasum >/dev/null; then
    mr_text=$(shasum -a 256 <"$1")
    mr_text=sha256:${mr_text%% *}
  elif command -v openssl >/dev/null; then
    mr_text=$(openssl dgst -sha256 <"$1")
    mr_text=sha256:${mr_text##* }
  else
    mr_text=$(cksum <"$1")
    mr_text=cksum:${mr_text%% *}
  fi
}

# What follows when something is to be there or not: mr_presence IS; returns 0 when the other properties count.
mr_presence() {
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    if [ "$1" = 1 ]; then mr_says state differs =absent =present; else mr_says state same =absent =absent; fi
    return 1
  fi
  if [ "$1" = 1 ]; then mr_says state same =present =present; else mr_says state differs =present =absent; fi
}

mr_main() {
  case ${MUSTER_METHOD:-} in
  test)
    mr_look
    echo $mr_good
    ;;
  get) mr_look ;;
  set) mr_set ;;
  *) mr_fail "the method ${MUSTER_METHOD:-} is not known" ;;
  esac
}
