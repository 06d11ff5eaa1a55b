mr_need NAME
if [ "${MUSTER_PARAM_STATE:-present}" != absent ]; then mr_need VALUE; fi
case $MUSTER_PARAM_NAME in '' | [0-9]* | *[!A-Za-z0-9_]*) mr_fail "$MUSTER_PARAM_NAME is not a name for a variable" ;; esac
mr_file=/etc/environment

# Sets mr_is, and mr_value to what the variable holds; the last line counts.
mr_find() {
  mr_is=0 mr_value=
  mr_walk "$mr_file"
  if [ ! -e "$mr_file" ]; then return 0; fi
  while IFS= read -r mr_x || [ -n "$mr_x" ]; do
    mr_x=${mr_x#export }
    case $mr_x in
    "$MUSTER_PARAM_NAME="*)
      mr_is=1 mr_value=${mr_x#*=}
      case $mr_value in
      \"*\") mr_value=${mr_value#\"} mr_value=${mr_value%\"} ;;
      \'*\') mr_value=${mr_value#\'} mr_value=${mr_value%\'} ;;
      esac
      ;;
    esac
  done <"$mr_file"
}

mr_look() {
  mr_find
  mr_presence $mr_is || return 0
  if [ $mr_is = 1 ]; then mr_field value "$MUSTER_PARAM_VALUE" "$mr_value"; else mr_gone value "$MUSTER_PARAM_VALUE"; fi
}

mr_set() {
  if [ "${MUSTER_PARAM_STATE:-present}" != absent ]; then
    case $MUSTER_PARAM_VALUE in
    *"$mr_nl"*) mr_fail 'a value with a line end cannot be kept in /etc/environment' ;;
    *[!A-Za-z0-9_./:@%+,=-]*)
      case $MUSTER_PARAM_VALUE in
      *\"*\'* | *\'*\"*) mr_fail 'a value with both kinds of quotes cannot be kept in /etc/environment' ;;
      *\"*) mr_text="'$MUSTER_PARAM_VALUE'" ;;
      *) mr_text="\"$MUSTER_PARAM_VALUE\"" ;;
      esac
      ;;
    *) mr_text=$MUSTER_PARAM_VALUE ;;
    esac
    mr_made="$MUSTER_PARAM_NAME=$mr_text"
  else
    if [ ! -e "$mr_file" ]; then return 0; fi
    mr_made=
  fi
  mr_beside "$mr_file"
  {
    if [ -e "$mr_file" ]; then
      while IFS= read -r mr_x || [ -n "$mr_x" ]; do
        case ${mr_x#export } in "$MUSTER_PARAM_NAME="*) ;; *) printf '%s\n' "$mr_x" ;; esac
      done <"$mr_file"
    fi
    if [ -n "$mr_made" ]; then printf '%s\n' "$mr_made"; fi
  } >"$mr_new" || exit 3
  mr_swap
}
