# Installs, updates, repairs or goes back to a version: by the manager that has it on its record, else by the first of
# `managers` that is there. MUSTER_VERSION is the version, empty for the one that the manager offers.
choose owner
if [ -z "$manager" ]; then choose here; fi
[ -n "$manager" ] || die "none of these package managers is here: $managers"
wanted=${MUSTER_VERSION:-}
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
  # Nothing else may go, and settings that were changed on the computer stay.
  set -- -y -q --no-remove -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold
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
    offered=$(run_brew info --json=v2 "$brew" | sed -n 's/.*"stable": *"\([^"]*\)".*/\1/p; s/^ *"version": *"\([^"]*\)".*/\1/p' | head -n 1)
    case $wanted in
    "$offered" | "${offered}_"[0-9]*) ;;
    *) die "Homebrew offers ${offered:-no version that could be read}, and $wanted is wanted" ;;
    esac
  fi
  verb=install
  if owner brew; then verb=upgrade; fi
  if [ -n "$again" ]; then verb=reinstall; fi
  run_brew "$verb" "$brew"
  ;;
esac
