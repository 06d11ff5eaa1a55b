mr_need NAME
mr_name=$MUSTER_PARAM_NAME
# To apt-get a minus at the end is an order to remove.
case $mr_name in -* | *- | *[!A-Za-z0-9.+:@/_~-]*) mr_fail "$mr_name is not the name of a package" ;; esac
case ${MUSTER_PARAM_VERSION:-} in -* | *[!A-Za-z0-9.+:~^_-]*) mr_fail "$MUSTER_PARAM_VERSION is not a version" ;; esac
if command -v apt-get >/dev/null; then
  mr_by=apt
elif command -v dnf >/dev/null; then
  mr_by=dnf
elif command -v yum >/dev/null; then
  mr_by=yum
elif command -v zypper >/dev/null; then
  mr_by=zypper
elif command -v apk >/dev/null; then
  mr_by=apk
elif command -v brew >/dev/null; then
  mr_by=brew
else
  mr_fail 'there is no package manager that is known here'
fi

# Sets mr_is and mr_version.
mr_find() {
  mr_version=
  case $mr_by in
  apt)
    mr_text=$(dpkg-query -W -f '${db:Status-Status} ${Version}\n' -- "$mr_name" 2>/dev/null)
    case $mr_text in "installed "*) mr_version=${mr_text#installed } mr_version=${mr_version%%"$mr_nl"*} ;; esac
    ;;
  dnf | yum | zypper)
    mr_text=$(rpm -q --qf '%{VERSION}-%{RELEASE}\n' -- "$mr_name") && mr_version=${mr_text%%"$mr_nl"*}
    ;;
  apk)
    mr_text=$(apk info -v -e -- "$mr_name") && mr_version=${mr_text#"$mr_name"-}
    ;;
  brew)
    mr_text=$(brew list --versions -- "$mr_name") && mr_version=${mr_text##* }
    ;;
  esac
  if [ -n "$mr_version" ]; then mr_is=1; else mr_is=0; fi
}

mr_look() {
  mr_find
  mr_presence $mr_is || return 0
  if [ -z "${MUSTER_PARAM_VERSION+x}" ]; then
    if [ "$MUSTER_METHOD" = get ]; then mr_says version same "=$mr_version" "=$mr_version"; fi
  elif [ $mr_is = 1 ]; then
    mr_field version "$MUSTER_PARAM_VERSION" "$mr_version"
  else
    mr_gone version "$MUSTER_PARAM_VERSION"
  fi
}

mr_apt() {
  # A name that there is not would be an expression for others.
  DEBIAN_FRONTEND=noninteractive apt-get -y -q -o APT::Cmd::Pattern-Only=true -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# Ends when others would go with it: what is removed is what the plan says (L14).
mr_alone() {
  case $mr_by in
  apt)
    mr_others=$(apt-get -s -q remove "$mr_name" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | grep -vxF -e "$mr_name" -e "${mr_name%%:*}" | tr '\n' ' ')
    if [ -n "$mr_others" ]; then mr_fail "not removed: these would go with it: $mr_others"; fi
    ;;
  dnf | yum | zypper)
    rpm -e --test -- "$mr_name" || mr_fail 'not removed: something else needs it'
    ;;
  esac
}

mr_set() {
  mr_find
  mr_version=${MUSTER_PARAM_VERSION:-}
  if [ "${MUSTER_PARAM_STATE:-present}" = absent ]; then
    if [ $mr_is = 0 ]; then return 0; fi
    mr_alone
    case $mr_by in
    apt) mr_apt remove "$mr_name" || exit 3 ;;
    dnf | yum) "$mr_by" -y --setopt=clean_requirements_on_remove=False remove "$mr_name" || exit 3 ;;
    zypper) zypper --non-interactive remove "$mr_name" || exit 3 ;;
    apk) apk del "$mr_name" || exit 3 ;;
    brew) brew uninstall "$mr_name" || exit 3 ;;
    esac
    return
  fi
  case $mr_by in
  apt)
    mr_what=$mr_name${mr_version:+=$mr_version}
    # The lists may be too old, and then they are fetched first.
    mr_install="--allow-downgrades --no-remove install"
    # shellcheck disable=SC2086 # Three words.
    mr_apt $mr_install "$mr_what" || { mr_apt update && mr_apt $mr_install "$mr_what"; } || exit 3
    ;;
  dnf | yum) "$mr_by" -y install "$mr_name${mr_version:+-$mr_version}" || exit 3 ;;
  zypper) zypper --non-interactive install --oldpackage "$mr_name${mr_version:+=$mr_version}" || exit 3 ;;
  apk) apk add "$mr_name${mr_version:+=$mr_version}" || exit 3 ;;
  brew)
    if [ -n "$mr_version" ]; then mr_fail 'brew installs the version that it has'; fi
    brew install "$mr_name" || exit 3
    ;;
  esac
}
