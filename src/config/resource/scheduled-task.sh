mr_need NAME
if [ "${MUSTER_PARAM_STATE:-present}" != absent ]; then mr_need COMMAND SCHEDULE; fi
mr_file=/etc/cron.d/muster-$MUSTER_PARAM_NAME
case $MUSTER_PARAM_NAME in *[!A-Za-z0-9_-]*) mr_fail "$MUSTER_PARAM_NAME is not a name for a scheduled task" ;; esac

case ${MUSTER_PARAM_USER:-root} in -* | *[\ "$mr_nl$mr_tab$mr_cr"]*) mr_fail "$MUSTER_PARAM_USER is not a name for an account" ;; esac
case ${MUSTER_PARAM_COMMAND:-} in *["$mr_nl$mr_cr"]*) mr_fail 'a command is one line' ;; esac

# A percent sign means a line end to cron.
mr_escape() { mr_text=$(printf '%s\n' "$1" | sed 's/%/\\%/g'); }

# Sets mr_is, mr_schedule, mr_user and mr_command.
mr_find() {
  mr_is=0 mr_schedule='' mr_user='' mr_command=''
  mr_walk "$mr_file"
  if [ ! -e "$mr_file" ]; then return 0; fi
  mr_is=1 mr_lines=0
  while IFS= read -r mr_x || [ -n "$mr_x" ]; do
    case $mr_x in
    '' | '#'*) continue ;;
    @*)
      mr_schedule=${mr_x%% *}
      mr_rest=${mr_x#* }
      ;;
    *)
      mr_schedule='' mr_rest=$mr_x
      for mr_y in 1 2 3 4 5; do
        mr_schedule="$mr_schedule${mr_schedule:+ }${mr_rest%% *}"
        mr_rest=${mr_rest#* }
      done
      ;;
    esac
    mr_user=${mr_rest%% *}
    mr_command=${mr_rest#* }
    mr_lines=$((mr_lines + 1))
  done <"$mr_file"
  # Each of them runs.
  if [ $mr_lines -gt 1 ]; then mr_command="($mr_lines lines)"; fi
}

mr_look() {
  mr_find
  mr_presence $mr_is || return 0
  mr_escape "$MUSTER_PARAM_COMMAND"
  mr_wanted_command=$mr_text
  if [ $mr_is = 0 ]; then
    mr_gone schedule "$MUSTER_PARAM_SCHEDULE"
    mr_gone user "${MUSTER_PARAM_USER:-root}"
    mr_gone command "$mr_wanted_command"
    return
  fi
  mr_field schedule "$MUSTER_PARAM_SCHEDULE" "$mr_schedule"
  mr_field user "${MUSTER_PARAM_USER:-root}" "$mr_user"
  mr_field command "$mr_wanted_command" "$mr_command"
}

mr_set() {
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    rm -f -- "$mr_file"
    return
  fi
  [ -d /etc/cron.d ] || mr_fail 'there is no /etc/cron.d: cron is not installed'
  mr_escape "$MUSTER_PARAM_COMMAND"
  mr_made=$mr_text
  # Cron does not read files with a dot in their name, so a half-written one does no harm.
  mr_beside "$mr_file"
  {
    printf '# Kept by Muster; changes are undone.\n'
    printf '%s %s %s\n' "$MUSTER_PARAM_SCHEDULE" "${MUSTER_PARAM_USER:-root}" "$mr_made"
  } >"$mr_new" || exit 3
  mr_swap
}
