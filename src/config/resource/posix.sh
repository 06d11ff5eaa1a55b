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
mr_me=
# What is missing here would count as not managed, or as empty.
if [ -n "${MUSTER_PARAMETERS_LONG:-}" ]; then
  printf 'nothing is done: values are too long for a variable: %s\n' "$MUSTER_PARAMETERS_LONG" >&2
  exit 3
fi

mr_fail() {
  printf '%s\n' "$1" >&2
  exit 3
}

# Ends when a property that cannot be left out has no value, as its parameter has none.
mr_need() {
  for mr_x in "$@"; do
    eval "mr_text=\${MUSTER_PARAM_$mr_x+x}"
    if [ -z "$mr_text" ]; then mr_fail "nothing is done: the resource needs a value in MUSTER_PARAM_$mr_x"; fi
  done
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

# Sets mr_w_uid, mr_w_gid and mr_w_names (how many names it has) of $1 itself, and mr_text to its mode.
mr_ids() {
  mr_text=$(stat -c '%u %g %h %a' -- "$1" 2>/dev/null || stat -f '%u %g %l %Mp%Lp' -- "$1") || mr_fail "stat failed for $1"
  mr_w_uid=${mr_text%% *}
  mr_text=${mr_text#* }
  mr_w_gid=${mr_text%% *}
  mr_text=${mr_text#* }
  mr_w_names=${mr_text%% *}
  mr_mode "${mr_text#* }"
}

# Whether the account of that number is trusted: the one that runs this, or root.
mr_trusted() {
  mr_me=${mr_me:-$(id -u)}
  [ "$1" = 0 ] || [ "$1" = "$mr_me" ]
}

# Whether the group of the folder $1, whose number is mr_w_gid, may write there: nobody is in it who is not root already,
# or it is the private group of the account that runs this.
mr_trusted_group() {
  # With an access control list the bits of the group say what others may do at most.
  case $(ls -ld -- "$1") in ??????????+*) return 1 ;; esac
  if [ "$mr_w_gid" = 0 ]; then return 0; fi
  case $(stat -c %G -- "$1" 2>/dev/null || stat -f %Sg -- "$1") in
  root | wheel | sudo | admin | syslog | crontab) return 0 ;;
  # Of Debian, and by default empty; on macOS it is everybody.
  staff) [ "$(uname)" != Darwin ] ;;
  "$(id -un)") [ "$(id -g)" = "$mr_w_gid" ] ;;
  *) return 1 ;;
  esac
}

# Ends where others could put something else into the folder $1. Sets mr_shared to 1 where they may write there, but
# only change what is theirs (the sticky bit).
mr_folder() {
  [ -x "$1" ] || mr_fail "the folder $1 cannot be entered"
  mr_ids "$1"
  mr_trusted "$mr_w_uid" || mr_fail "not followed: the folder $1 belongs to neither root nor this account, so its owner can put anything there"
  mr_shared=0 mr_w_mode=$mr_text
  case $mr_w_mode in
  *[2367]) mr_shared=1 ;;
  *[2367]?) mr_trusted_group "$1" || mr_shared=1 ;;
  esac
  case $mr_shared$mr_w_mode in
  1[1357]*) ;;
  1*) mr_fail "not followed: others may write to the folder $1, so they can put anything there" ;;
  esac
}

# Sets mr_at to where the path $1 really leads, without links; with `keep` as $2 a link in the last place stays one.
# Ends where somebody other than root and this account could have it lead elsewhere: now, or after it was looked at.
mr_walk() {
  case $1 in /*) ;; *) mr_fail "the path $1 is not absolute" ;; esac
  mr_w_rest=$1 mr_at='' mr_w_links=0 mr_shared=0
  while :; do
    case $mr_w_rest in
    '') break ;;
    /*)
      mr_w_rest=${mr_w_rest#/}
      continue
      ;;
    esac
    mr_w_name=${mr_w_rest%%/*}
    mr_w_rest=${mr_w_rest#"$mr_w_name"}
    mr_w_in=${mr_at:-/} mr_shared=0
    case $mr_w_name in
    .) continue ;;
    ..)
      mr_at=${mr_at%/*}
      continue
      ;;
    esac
    mr_at=$mr_at/$mr_w_name
    # In what is not there yet nobody can have put anything.
    if [ ! -d "$mr_w_in" ]; then continue; fi
    mr_folder "$mr_w_in"
    if [ -L "$mr_at" ]; then
      case ${2:-}$mr_w_rest in keep | keep/) break ;; esac
    elif [ $mr_shared = 0 ] || [ ! -e "$mr_at" ]; then
      continue
    fi
    mr_ids "$mr_at"
    if [ -L "$mr_at" ]; then
      mr_trusted "$mr_w_uid" || mr_fail "not followed: the link $mr_at belongs to neither root nor this account"
      mr_w_links=$((mr_w_links + 1))
      if [ $mr_w_links -gt 40 ]; then mr_fail "the links at $1 lead in a circle"; fi
      # What a name ends with is kept, even a line end.
      mr_text=$(readlink "$mr_at" && echo .) || mr_fail "the link $mr_at cannot be read"
      mr_text=${mr_text%"$mr_nl".}
      case $mr_text in /*) mr_at='' ;; *) mr_at=${mr_at%/*} ;; esac
      mr_w_rest=$mr_text$mr_w_rest
    else
      mr_trusted "$mr_w_uid" || mr_fail "not followed: $mr_at belongs to neither root nor this account, in a folder to which others may write"
      if [ -f "$mr_at" ] && [ "$mr_w_names" != 1 ]; then mr_fail "not followed: $mr_at has several names, in a folder to which others may write"; fi
    fi
  done
  mr_at=${mr_at:-/}
}

# Ends where what mr_at says after mr_walk is no longer so.
mr_still() {
  mr_w_was=$mr_at
  mr_walk "$mr_at"
  if [ "$mr_at" != "$mr_w_was" ]; then mr_fail "somebody has put a link into the path $mr_w_was"; fi
}

# Sets mr_owner, mr_group and mr_bits of $1, and its numbers.
mr_stat() {
  mr_text=$(stat -c '%u:%g:%U:%G:%a' -- "$1" 2>/dev/null || stat -f '%u:%g:%Su:%Sg:%Mp%Lp' -- "$1") || mr_fail "stat failed for $1"
  mr_owner_number=${mr_text%%:*}
  mr_text=${mr_text#*:}
  mr_group_number=${mr_text%%:*}
  mr_text=${mr_text#*:}
  mr_owner=${mr_text%%:*}
  mr_text=${mr_text#*:}
  mr_group=${mr_text%%:*}
  mr_mode "${mr_text#*:}"
  mr_bits=$mr_text
}

# mr_who NAME WANTED FOUND NUMBER: an account or a group that has to be this one; numbers are compared with numbers.
mr_who() {
  case $2 in
  *[!0-9]*) mr_field "$1" "$2" "$3" ;;
  *)
    mr_text=$2
    while :; do
      case $mr_text in 0?*) mr_text=${mr_text#0} ;; *) break ;; esac
    done
    if [ "$mr_text" = "$4" ] || [ "$2" = "$3" ]; then mr_field "$1" "$2" "$2"; else mr_field "$1" "$2" "$4"; fi
    ;;
  esac
}

# Owner, group and mode of $1; $2 is 1 when it is there.
mr_rights() {
  if [ "$2" = 1 ]; then mr_stat "$1"; fi
  if [ -n "${MUSTER_PARAM_OWNER+x}" ]; then
    if [ "$2" = 1 ]; then mr_who owner "$MUSTER_PARAM_OWNER" "$mr_owner" "$mr_owner_number"; else mr_gone owner "$MUSTER_PARAM_OWNER"; fi
  fi
  if [ -n "${MUSTER_PARAM_GROUP+x}" ]; then
    if [ "$2" = 1 ]; then mr_who group "$MUSTER_PARAM_GROUP" "$mr_group" "$mr_group_number"; else mr_gone group "$MUSTER_PARAM_GROUP"; fi
  fi
  if [ -n "${MUSTER_PARAM_MODE+x}" ]; then
    mr_mode "$MUSTER_PARAM_MODE"
    mr_want=$mr_text
    if [ "$2" = 1 ]; then mr_field mode "$mr_want" "$mr_bits"; else mr_gone mode "$mr_want"; fi
  fi
}

mr_set_owner() {
  if [ -n "${MUSTER_PARAM_OWNER+x}" ]; then chown -- "$MUSTER_PARAM_OWNER" "$1" || exit 3; fi
  if [ -n "${MUSTER_PARAM_GROUP+x}" ]; then chgrp -- "$MUSTER_PARAM_GROUP" "$1" || exit 3; fi
}

mr_set_rights() {
  mr_set_owner "$1"
  if [ -z "${MUSTER_PARAM_MODE+x}" ]; then return 0; fi
  chmod -- "$MUSTER_PARAM_MODE" "$1" || exit 3
  # Of a folder the bits for the account and the group stay where they are not taken away by name.
  mr_stat "$1"
  mr_mode "$MUSTER_PARAM_MODE"
  if [ "$mr_bits" != "$mr_text" ]; then chmod u-s,g-s "$1" && chmod -- "$MUSTER_PARAM_MODE" "$1" || exit 3; fi
}

# After mr_walk: ends where the wanted owner could put something else in the place of what it is given, and where a property
# is no owner at all.
mr_may_give() {
  case ${MUSTER_PARAM_OWNER:-}${MUSTER_PARAM_GROUP:-} in *:*) mr_fail 'an owner or a group has no colon in its name' ;; esac
  if [ $mr_shared = 0 ] || [ -z "${MUSTER_PARAM_OWNER+x}" ]; then return 0; fi
  case $MUSTER_PARAM_OWNER in
  *[!0-9]*) mr_text=$(id -u -- "$MUSTER_PARAM_OWNER") || mr_fail "there is no account $MUSTER_PARAM_OWNER" ;;
  *) mr_text=$MUSTER_PARAM_OWNER ;;
  esac
  mr_trusted "$mr_text" || mr_fail "others may write to the folder of $mr_at, and there only root and this account can own what is looked after"
}

# Makes an empty file in mr_new beside what the path $1 leads to (mr_at), with its owner and mode; mr_swap puts it in its
# place at once.
mr_beside() {
  mr_walk "$1"
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
  mr_still
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
