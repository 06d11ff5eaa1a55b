mr_path=$MUSTER_PARAM_PATH

# Prints the file as it is to be; with $1 only whether that differs. An expression or a line reaches awk as data; the
# empty text makes numbers compare as text.
mr_made() {
  if [ -e "$mr_path" ]; then cat "$mr_path"; fi | mr_ask=${1:-} awk '
    BEGIN {
      # Looking something up would put it there.
      has_line = ("MUSTER_PARAM_LINE" in ENVIRON); has = ("MUSTER_PARAM_MATCH" in ENVIRON)
      ask = ENVIRON["mr_ask"] ""; line = ENVIRON["MUSTER_PARAM_LINE"]; expression = ENVIRON["MUSTER_PARAM_MATCH"]
      absent = (ENVIRON["MUSTER_PARAM_STATE"] "" == "absent")
    }
    {
      is = has_line && ($0 "" == line "")
      fits = has && ($0 ~ expression)
      if ((is || fits) && !seen) { seen = 1; first = $0 }
      if (absent) {
        if (is || fits) { changed = 1; next }
      } else if (fits) {
        if (done || !is) changed = 1
        if (!done && !ask) print line
        done = 1
        next
      } else if (is) done = 1
      if (!ask) print
    }
    END {
      if (!absent && !done) { changed = 1; if (!ask) print line }
      if (ask) { print (changed ? "differs" : "same"); print (seen ? "=" first : "-") }
    }'
}

mr_look() {
  if [ -e "$mr_path" ] && [ ! -f "$mr_path" ]; then mr_fail "$mr_path is not a regular file"; fi
  if [ -e "$mr_path" ] && [ ! -r "$mr_path" ]; then mr_fail "$mr_path cannot be read"; fi
  mr_has=$(mr_made ask) || exit 3
  mr_word=${mr_has%%"$mr_nl"*}
  mr_has=${mr_has#*"$mr_nl"}
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then mr_want=-; else mr_want="=$MUSTER_PARAM_LINE"; fi
  if [ "$mr_word" = same ]; then
    mr_has=$mr_want
  elif [ "$mr_has" = "$mr_want" ]; then
    mr_has='=(more than once)'
  fi
  mr_says line "$mr_word" "$mr_want" "$mr_has"
}

mr_set() {
  if [ ! -e "$mr_path" ]; then
    if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then return 0; fi
    if [ "${MUSTER_PARAM_CREATE:-false}" != true ]; then mr_fail "$mr_path is not there, and create is not set"; fi
  fi
  mr_beside "$mr_path"
  mr_made >"$mr_new" || exit 3
  mr_swap
}
