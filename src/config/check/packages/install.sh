# Installs, updates, repairs or goes back to a version: by the manager that has it on its record, else by the first of
# `managers` that is there, or the one that offers the newest. MUSTER_VERSION is the version, empty for the one that the
# manager offers.

# Homebrew's version of it.
brewed() {
  run_brew info --json=v2 "$brew" | sed -n 's/.*"stable": *"\([^"]*\)".*/\1/p; s/^ *"version": *"\([^"]*\)".*/\1/p' | head -n 1
}

# What a manager that is here offers; nothing where it does not know the package.
offered() {
  case $1 in
  apt)
    candidate=$(apt-cache policy "$apt" 2>/dev/null | sed -n 's/^ *Candidate: *//p')
    if [ -z "$candidate" ]; then
      # The index may be missing.
      apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1
      candidate=$(apt-cache policy "$apt" 2>/dev/null | sed -n 's/^ *Candidate: *//p')
    fi
    case $candidate in '(none)') ;; *) printf %s "$candidate" ;; esac
    ;;
  dnf)
    "$dnf_program" -q info "$dnf" 2>/dev/null | sed -n 's/^Version *: *//p' | tail -n 1
    ;;
  brew) brewed ;;
  esac
}

# Whether a manager that is here has the wanted version; only Debian's has several.
has_wanted() {
  case $1 in
  apt) [ -n "$(apt-cache show "$apt=$wanted" 2>/dev/null)" ] ;;
  dnf) [ -n "$("$dnf_program" -q info "$dnf-$wanted" 2>/dev/null)" ] ;;
  brew) [ "$(brewed)" = "$wanted" ] ;;
  esac
}

# Sets `manager` to the one that offers the newest version, by the program's own part of it: no epoch and no revision of
# the package.
newest() {
  best=
  manager=
  # `here` has a use of its own for `one`.
  for asked in $managers; do
    here "$asked" || continue
    version=$(offered "$asked")
    version=${version#*:}
    case $asked in apt) version=${version%-*} ;; esac
    [ -n "$version" ] || continue
    if [ -n "$manager" ]; then
      [ "$version" != "$best" ] || continue
      # Where nothing can sort them the first stays.
      last=$(printf '%s\n%s\n' "$best" "$version" | sort -V 2>/dev/null | tail -n 1)
      [ "$last" = "$version" ] || continue
    fi
    best=$version
    manager=$asked
  done
}

wanted=${MUSTER_VERSION:-}
choose owner
if [ -z "$manager" ] && [ "$choose" = newest ]; then
  if [ -n "$wanted" ]; then choose has_wanted; else newest; fi
fi
if [ -z "$manager" ]; then choose here; fi
[ -n "$manager" ] || die "none of these package managers is here: $managers"
action=${MUSTER_ACTION:-install}
again=
if [ "$action" = repair ] && [ "$wanted" = "${MUSTER_VERSION_BEFORE:-}" ]; then again=yes; fi

case $manager in
apt)
  package=$apt${wanted:+=$wanted}
  # The index may be missing, or older than the version.
  if [ -z "$(apt-cache show "$package" 2>/dev/null)" ]; then
    apt-get -q -o DPkg::Lock::Timeout=300 update || die 'the index of packages could not be read'
  fi
  # Nothing else may go, settings that were changed on the computer stay, and a name that there is not is no expression.
  set -- -y -q --no-remove -o APT::Cmd::Pattern-Only=true -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold
  if [ "$action" = downgrade ]; then set -- "$@" --allow-downgrades; fi
  if [ -n "$again" ]; then set -- "$@" --reinstall; fi
  exec apt-get "$@" install "$package"
  ;;
dnf)
  package=$dnf${wanted:+-$wanted}
  verb=install
  if [ "$action" = downgrade ]; then verb=downgrade; fi
  if [ -n "$again" ]; then verb=reinstall; fi
  exec "$dnf_program" -y -q "$verb" "$package"
  ;;
brew)
  if [ -n "$wanted" ] && [ -z "$again" ]; then
    # Homebrew has one version of each. Another one is not to be installed in its stead.
    version=$(brewed)
    case $wanted in
    "$version" | "${version}_"[0-9]*) ;;
    *) die "Homebrew offers ${version:-no version that could be read}, and $wanted is wanted" ;;
    esac
  fi
  verb=install
  if owner brew; then verb=upgrade; fi
  if [ -n "$again" ]; then verb=reinstall; fi
  run_brew "$verb" "$brew"
  ;;
esac
