mr_path=$MUSTER_PARAM_PATH

mr_kind() {
  if [ "${MUSTER_PARAM_HAS_SECRET:-false}" = true ] && [ -z "${MUSTER_PARAM_SECRET_CONTENT+x}" ]; then
    mr_fail 'the secret is too long for a variable'
  fi
  if [ -d "$mr_path" ]; then mr_fail "$mr_path is a folder"; fi
  if [ -e "$mr_path" ] && [ ! -f "$mr_path" ]; then mr_fail "$mr_path is not a regular file"; fi
}

mr_look() {
  mr_kind
  if [ -e "$mr_path" ] || [ -L "$mr_path" ]; then mr_is=1; else mr_is=0; fi
  mr_presence $mr_is || return 0
  if [ -L "$mr_path" ] && [ ! -e "$mr_path" ]; then mr_fail "the link $mr_path leads nowhere"; fi
  if [ -n "${MUSTER_PARAM_CONTENT+x}" ]; then
    mr_sum "$MUSTER_PARAM_CONTENT"
    mr_want=$mr_text
    if [ $mr_is = 0 ]; then
      mr_gone content "$mr_want"
    elif cmp -s "$MUSTER_PARAM_CONTENT" "$mr_path"; then
      mr_says content same "=$mr_want" "=$mr_want"
    else
      [ -r "$mr_path" ] || mr_fail "$mr_path cannot be read"
      mr_sum "$mr_path"
      mr_found=$mr_text
      mr_size=$(($(wc -c <"$mr_path")))
      mr_text=
      # What is small comes along, for a comparison line by line.
      if [ "$mr_size" -le 8192 ] && [ "${MUSTER_PARAM_SENSITIVE:-false}" = false ]; then
        mr_text=$( (base64 <"$mr_path" || openssl base64 <"$mr_path") 2>/dev/null | tr -d '\n')
      fi
      mr_says content differs "=$mr_want" "=$mr_found" "$mr_text"
    fi
  elif [ -n "${MUSTER_PARAM_SECRET_CONTENT+x}" ]; then
    if [ $mr_is = 0 ]; then
      mr_gone content '[secret]'
    elif printf %s "$MUSTER_PARAM_SECRET_CONTENT" | cmp -s - "$mr_path"; then
      mr_says content same '=[secret]' '=[secret]'
    else
      mr_says content differs '=[secret]' '=[secret]'
    fi
  fi
  mr_rights "$mr_path" $mr_is
}

mr_set() {
  mr_kind
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    rm -f -- "$mr_path"
    return
  fi
  # Secrets are never readable by others, not even for a moment.
  if [ -n "${MUSTER_PARAM_CONTENT+x}${MUSTER_PARAM_SECRET_CONTENT+x}" ]; then
    mr_beside "$mr_path"
    if [ ! -e "$mr_path" ] && [ -n "${MUSTER_PARAM_SECRET_CONTENT+x}" ]; then chmod 600 "$mr_new"; fi
    if [ -n "${MUSTER_PARAM_CONTENT+x}" ]; then
      cat "$MUSTER_PARAM_CONTENT" >"$mr_new" || exit 3
    else
      printf %s "$MUSTER_PARAM_SECRET_CONTENT" >"$mr_new" || exit 3
    fi
    mr_set_rights "$mr_new"
    mr_swap
  elif [ ! -e "$mr_path" ]; then
    : >"$mr_path" || exit 3
  fi
  mr_set_rights "$mr_path"
}
