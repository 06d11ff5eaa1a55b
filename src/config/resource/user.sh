mr_need NAME
mr_name=$MUSTER_PARAM_NAME
case $mr_name in -* | *[!A-Za-z0-9._@+-]*) mr_fail "$mr_name is not a name for an account" ;; esac
case ${MUSTER_PARAM_PASSWORD_HASH:-} in *[:"$mr_nl$mr_cr"]*) mr_fail 'the hash of a password is one line without colons' ;; esac
command -v usermod >/dev/null || mr_fail 'usermod is not installed'

# Sets $2 to the field number $1 of the line $3, whose fields are separated by colons.
mr_part() {
  mr_rest=$3 mr_x=$1
  while [ "$mr_x" -gt 1 ]; do
    case $mr_rest in *:*) mr_rest=${mr_rest#*:} ;; *) mr_rest= ;; esac
    mr_x=$((mr_x - 1))
  done
  eval "$2=\${mr_rest%%:*}"
}

# The line of the account in a file.
mr_entry() {
  mr_text=
  while IFS= read -r mr_x; do
    case $mr_x in "$mr_name:"*) mr_text=$mr_x ;; esac
  done <"$1"
}

# Names on lines, sorted, with one blank between them.
mr_sorted() { printf '%s\n' "$1" | sort -u | grep . | tr '\n' ' ' | sed 's/ $//'; }

mr_find() {
  mr_entry /etc/passwd
  mr_is=1
  if [ -z "$mr_text" ]; then
    mr_is=0
    return
  fi
  mr_part 3 mr_uid "$mr_text"
  mr_part 5 mr_full "$mr_text"
  # After a comma come things that nobody asks for, unless the name has one.
  case ${MUSTER_PARAM_FULL_NAME:-} in *,*) ;; *) mr_full=${mr_full%%,*} ;; esac
  mr_part 6 mr_home "$mr_text"
  mr_part 7 mr_shell "$mr_text"
  mr_main_group=$(id -gn -- "$mr_name")
  mr_groups=
  for mr_x in $(id -Gn -- "$mr_name"); do
    if [ "$mr_x" != "$mr_main_group" ]; then mr_groups=$mr_groups$mr_x$mr_nl; fi
  done
  mr_groups=$(mr_sorted "$mr_groups")
  mr_hash='' mr_disabled=false
  if [ -r /etc/shadow ]; then
    mr_entry /etc/shadow
    mr_part 2 mr_hash "$mr_text"
    mr_part 8 mr_x "$mr_text"
    if [ "$mr_x" = 1 ]; then mr_disabled=true; fi
  elif [ -n "${MUSTER_PARAM_PASSWORD_HASH+x}${MUSTER_PARAM_DISABLED+x}" ]; then
    mr_fail '/etc/shadow cannot be read'
  fi
}

mr_compare() {
  if [ $mr_is = 1 ]; then mr_field "$1" "$2" "$3"; else mr_gone "$1" "$2"; fi
}

mr_look() {
  mr_find
  mr_presence $mr_is || return 0
  if [ -n "${MUSTER_PARAM_UID+x}" ]; then mr_compare uid "$MUSTER_PARAM_UID" "${mr_uid:-}"; fi
  if [ -n "${MUSTER_PARAM_FULL_NAME+x}" ]; then mr_compare fullName "$MUSTER_PARAM_FULL_NAME" "${mr_full:-}"; fi
  if [ -n "${MUSTER_PARAM_HOME+x}" ]; then mr_compare home "$MUSTER_PARAM_HOME" "${mr_home:-}"; fi
  if [ -n "${MUSTER_PARAM_SHELL+x}" ]; then mr_compare shell "$MUSTER_PARAM_SHELL" "${mr_shell:-}"; fi
  if [ -n "${MUSTER_PARAM_GROUPS+x}" ]; then mr_compare groups "$(mr_sorted "$MUSTER_PARAM_GROUPS")" "${mr_groups:-}"; fi
  if [ -n "${MUSTER_PARAM_DISABLED+x}" ]; then mr_compare disabled "$MUSTER_PARAM_DISABLED" "${mr_disabled:-}"; fi
  if [ -n "${MUSTER_PARAM_PASSWORD_HASH+x}" ]; then
    if [ $mr_is = 0 ]; then
      mr_gone passwordHash '[secret]'
    elif [ "${mr_hash#!}" = "$MUSTER_PARAM_PASSWORD_HASH" ]; then
      mr_says passwordHash same '=[secret]' '=[secret]'
    else
      mr_says passwordHash differs '=[secret]' '=[secret]'
    fi
  fi
}

mr_set() {
  mr_find
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    if [ $mr_is = 0 ]; then return 0; fi
    if [ "${MUSTER_PARAM_REMOVE_HOME:-false}" = true ]; then set -- -r; else set --; fi
    userdel "$@" -- "$mr_name" || exit 3
    return
  fi
  set --
  if [ -n "${MUSTER_PARAM_UID+x}" ]; then set -- "$@" -u "$MUSTER_PARAM_UID"; fi
  if [ -n "${MUSTER_PARAM_FULL_NAME+x}" ]; then set -- "$@" -c "$MUSTER_PARAM_FULL_NAME"; fi
  if [ -n "${MUSTER_PARAM_HOME+x}" ]; then set -- "$@" -d "$MUSTER_PARAM_HOME"; fi
  if [ -n "${MUSTER_PARAM_SHELL+x}" ]; then set -- "$@" -s "$MUSTER_PARAM_SHELL"; fi
  if [ -n "${MUSTER_PARAM_GROUPS+x}" ]; then set -- "$@" -G "$(mr_sorted "$MUSTER_PARAM_GROUPS" | tr ' ' ,)"; fi
  if [ $mr_is = 0 ]; then
    useradd -m "$@" -- "$mr_name" || exit 3
    set --
  fi
  if [ -n "${MUSTER_PARAM_DISABLED+x}" ]; then
    if [ "$MUSTER_PARAM_DISABLED" = true ]; then set -- "$@" -e 1; else set -- "$@" -e ''; fi
  fi
  if [ $# -gt 0 ]; then usermod "$@" -- "$mr_name" || exit 3; fi
  # Through its input, as arguments can be seen by others.
  if [ -n "${MUSTER_PARAM_PASSWORD_HASH+x}" ]; then
    printf '%s:%s\n' "$mr_name" "$MUSTER_PARAM_PASSWORD_HASH" | chpasswd -e || exit 3
  fi
}
