set -u
export DEBIAN_FRONTEND=noninteractive HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_ENV_HINTS=1 NONINTERACTIVE=1
die() {
  printf '%s\n' "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# Whether a manager is on this computer; sets the path of its program.
here() {
  case $1 in
  apt) has apt-get && has dpkg-query ;;
  dnf)
    dnf_program=dnf
    has dnf || dnf_program=yum
    has "$dnf_program" && has rpm
    ;;
  brew)
    brew_program=
    for one in "${HOMEBREW_PREFIX:-}/bin/brew" /opt/homebrew/bin/brew /usr/local/bin/brew /home/linuxbrew/.linuxbrew/bin/brew; do
      if [ -x "$one" ]; then
        brew_program=$one
        return 0
      fi
    done
    return 1
    ;;
  esac
}

# Homebrew refuses to run as root: then it runs as its owner.
run_brew() {
  brew_user=$(stat -c %U "$brew_program" 2>/dev/null || stat -f %Su "$brew_program")
  if [ "$(id -u)" = 0 ] && [ "$brew_user" != root ]; then
    if has runuser; then runuser -u "$brew_user" -- "$brew_program" "$@"; else sudo -n -H -u "$brew_user" "$brew_program" "$@"; fi
  else
    "$brew_program" "$@"
  fi
}

# Whether a manager that is here has the package on its record.
owner() {
  case $1 in
  apt) case $(dpkg-query -W -f '${Status}' "$apt" 2>/dev/null) in *' installed') return 0 ;; *) return 1 ;; esac ;;
  dnf) rpm -q "$dnf" >/dev/null 2>&1 ;;
  brew) [ -n "$(run_brew list --versions "$brew" 2>/dev/null)" ] ;;
  esac
}

# Sets `manager` to the first one that is here, and for `owner` has the package.
choose() {
  for manager in $managers; do
    if here "$manager" && "$1" "$manager"; then return 0; fi
  done
  manager=
}
