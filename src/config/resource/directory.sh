mr_path=$MUSTER_PARAM_PATH

mr_look() {
  if [ -d "$mr_path" ]; then
    mr_is=1
  elif [ -e "$mr_path" ] || [ -L "$mr_path" ]; then
    mr_fail "$mr_path is not a folder"
  else
    mr_is=0
  fi
  mr_presence $mr_is || return 0
  mr_rights "$mr_path" $mr_is
}

mr_set() {
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    if [ -L "$mr_path" ]; then
      rm -f -- "$mr_path"
    elif [ ! -d "$mr_path" ]; then
      return 0
    elif [ "${MUSTER_PARAM_RECURSIVE:-false}" = true ]; then
      case $mr_path in *[!/.]*) rm -rf -- "$mr_path" ;; *) mr_fail "$mr_path is never removed" ;; esac
    else
      rmdir -- "$mr_path" || mr_fail "$mr_path is not empty, and recursive is not set"
    fi
    return
  fi
  mkdir -p -- "$mr_path" || exit 3
  mr_set_rights "$mr_path"
}
