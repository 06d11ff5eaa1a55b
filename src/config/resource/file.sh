mr_need PATH
mr_path=$MUSTER_PARAM_PATH

# Sets mr_at to where it lies. Only what is to be there is looked for behind a link.
mr_find() {
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    mr_walk "$mr_path" keep
  else
    mr_walk "$mr_path"
    mr_may_give
    if [ -L "$mr_path" ] && [ ! -e "$mr_at" ]; then mr_fail "the link $mr_path leads nowhere"; fi
  fi
  if [ -d "$mr_at" ]; then mr_fail "$mr_path is a folder"; fi
  if [ -e "$mr_at" ] && [ ! -f "$mr_at" ]; then mr_fail "$mr_path is not a regular file"; fi
}

mr_look() {
  mr_find
  if [ -e "$mr_at" ] || [ -L "$mr_at" ]; then mr_is=1; else mr_is=0; fi
  mr_presence $mr_is || return 0
  if [ -n "${MUSTER_PARAM_CONTENT+x}" ]; then
    mr_sum "$MUSTER_PARAM_CONTENT"
    mr_want=$mr_text
    if [ $mr_is = 0 ]; then
      mr_gone content "$mr_want"
    elif cmp -s "$MUSTER_PARAM_CONTENT" "$mr_at"; then
      mr_says content same "=$mr_want" "=$mr_want"
    else
      [ -r "$mr_at" ] || mr_fail "$mr_path cannot be read"
      mr_sum "$mr_at"
      mr_found=$mr_text
      mr_size=$(($(wc -c <"$mr_at")))
      mr_text=
      # What is small comes along, for a comparison line by line.
      if [ "$mr_size" -le 8192 ] && [ "${MUSTER_PARAM_SENSITIVE:-false}" = false ]; then
        mr_text=$( (base64 <"$mr_at" || openssl base64 <"$mr_at") 2>/dev/null | tr -d '\n')
      fi
      mr_says content differs "=$mr_want" "=$mr_found" "$mr_text"
    fi
  elif [ -n "${MUSTER_PARAM_SECRET_CONTENT+x}" ]; then
    if [ $mr_is = 0 ]; then
      mr_gone content '[secret]'
    elif printf %s "$MUSTER_PARAM_SECRET_CONTENT" | cmp -s - "$mr_at"; then
      mr_says content same '=[secret]' '=[secret]'
    else
      [ -r "$mr_at" ] || mr_fail "$mr_path cannot be read"
      mr_says content differs '=[secret]' '=[secret]'
    fi
  fi
  mr_rights "$mr_at" $mr_is
}

mr_set() {
  mr_find
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    rm -f -- "$mr_at"
    return
  fi
  if [ -n "${MUSTER_PARAM_CONTENT+x}${MUSTER_PARAM_SECRET_CONTENT+x}" ] || [ ! -e "$mr_at" ]; then
    mr_beside "$mr_path"
    # What it is to hold can be read by its owner alone until its mode is set.
    mr_bits=644
    if [ -n "${MUSTER_PARAM_SECRET_CONTENT+x}" ]; then mr_bits=600; fi
    if [ -e "$mr_at" ]; then mr_stat "$mr_at"; fi
    chmod 600 "$mr_new" || exit 3
    mr_set_owner "$mr_new"
    if [ -n "${MUSTER_PARAM_CONTENT+x}" ]; then
      cat "$MUSTER_PARAM_CONTENT" >"$mr_new" || exit 3
    elif [ -n "${MUSTER_PARAM_SECRET_CONTENT+x}" ]; then
      printf %s "$MUSTER_PARAM_SECRET_CONTENT" >"$mr_new" || exit 3
    fi
    chmod "$mr_bits" "$mr_new" || exit 3
    mr_set_rights "$mr_new"
    mr_swap
  fi
  mr_set_rights "$mr_at"
}
