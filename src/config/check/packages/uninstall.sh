# Removes it wherever it is on record. Nothing that needs it, and nothing that it needed, is removed with it.
for manager in $managers; do
  here "$manager" && owner "$manager" || continue
  case $manager in
  apt)
    others=$(apt-get -s -q -o DPkg::Lock::Timeout=300 remove "$apt" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | grep -vxF "$apt" | tr '\n' ' ')
    [ -z "$others" ] || die "not removed: these would go with it: $others"
    apt-get -y -q -o DPkg::Lock::Timeout=300 remove "$apt" || exit
    ;;
  dnf)
    rpm -e --test "$dnf" || die "not removed: something else needs it"
    "$dnf_program" -y -q --setopt=clean_requirements_on_remove=False remove "$dnf" || exit
    ;;
  brew)
    run_brew uninstall "$brew" || exit
    ;;
  esac
done
exit 0
