mr_need PATH
if [ "${MUSTER_PARAM_STATE:-present}" != absent ]; then mr_need LINE; fi
mr_path=$MUSTER_PARAM_PATH

# Sets mr_letters to a locale in which grep takes letters beyond ASCII for one each, where there is one.
mr_locale() {
  for mr_letters in C.UTF-8 en_US.UTF-8 ${LANG:-C}; do
    if printf '\303\244\n' | LC_ALL=$mr_letters grep -qxE . 2>/dev/null; then return; fi
  done
  mr_letters=C
}

# Sets mr_at to where the file lies, and sees to it that the expression is one.
mr_find() {
  mr_walk "$mr_path"
  if [ -e "$mr_at" ] && [ ! -f "$mr_at" ]; then mr_fail "$mr_path is not a regular file"; fi
  if [ -e "$mr_at" ] && [ ! -r "$mr_at" ]; then mr_fail "$mr_path cannot be read"; fi
  if [ -z "${MUSTER_PARAM_MATCH+x}" ]; then return 0; fi
  mr_locale
  # Some look at it only when there is a line.
  echo | LC_ALL=$mr_letters grep -qE -e "$MUSTER_PARAM_MATCH"
  if [ $? -gt 1 ]; then mr_fail 'the expression of match cannot be used'; fi
}

# The numbers of the lines that match, and an empty line. What awk takes for an expression depends on the system, what
# grep does hardly; bytes that are no text do not keep it from looking.
mr_matching() {
  if [ -n "${MUSTER_PARAM_MATCH+x}" ]; then LC_ALL=$mr_letters grep -anE -e "$MUSTER_PARAM_MATCH" <"$1" | cut -d : -f 1; fi
  echo
}

# Prints the file $1 as it is to be; with $2 only whether that differs. A line reaches awk as data; the empty text makes
# numbers compare as text.
mr_made() {
  if [ -e "$1" ]; then mr_from=$1; else mr_from=/dev/null; fi
  { mr_matching "$mr_from" && cat "$mr_from"; } | mr_ask=${2:-} awk '
    BEGIN {
      # Looking something up would put it there.
      has_line = ("MUSTER_PARAM_LINE" in ENVIRON)
      ask = ENVIRON["mr_ask"] ""; line = ENVIRON["MUSTER_PARAM_LINE"]
      absent = (ENVIRON["MUSTER_PARAM_STATE"] "" == "absent")
    }
    !begun {
      if ($0 == "") begun = NR; else matching[$0 + 0] = 1
      next
    }
    {
      is = has_line && ($0 "" == line "")
      fits = ((NR - begun) in matching)
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
  mr_find
  mr_has=$(mr_made "$mr_at" ask) || exit 3
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
  mr_find
  if [ ! -e "$mr_at" ]; then
    if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then return 0; fi
    if [ "${MUSTER_PARAM_CREATE:-false}" != true ]; then mr_fail "$mr_path is not there, and create is not set"; fi
  fi
  mr_beside "$mr_path"
  mr_made "$mr_at" >"$mr_new" || exit 3
  mr_swap
}
