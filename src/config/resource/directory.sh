mr_need PATH
mr_path=$MUSTER_PARAM_PATH

# Sets mr_at to where it lies. Only what is to be there is looked for behind a link.
mr_find() {
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    mr_walk "$mr_path" keep
    if [ "$mr_at" = / ]; then mr_fail "$mr_path is never removed"; fi
  else
    mr_walk "$mr_path"
    mr_may_give
  fi
  if [ ! -d "$mr_at" ]; then
    if [ -e "$mr_at" ] || [ -L "$mr_path" ]; then mr_fail "$mr_path is not a folder"; fi
  fi
}

mr_look() {
  mr_find
  if [ -d "$mr_at" ]; then mr_is=1; else mr_is=0; fi
  mr_presence $mr_is || return 0
  mr_rights "$mr_at" $mr_is
}

mr_set() {
  mr_find
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    if [ -L "$mr_at" ]; then
      rm -f -- "$mr_at"
    elif [ ! -d "$mr_at" ]; then
      return 0
    elif [ "${MUSTER_PARAM_RECURSIVE:-false}" = true ]; then
      rm -rf -- "$mr_at"
    else
      rmdir -- "$mr_at" || mr_fail "$mr_path is not empty, and recursive is not set"
    fi
    return
  fi
  mkdir -p -- "$mr_at" || exit 3
  mr_still
  mr_set_rights "$mr_at"
}
