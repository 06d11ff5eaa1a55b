# Not `:` or `exec` but `true` opens files below: a failing redirection of those ends the shell.
exec 2>/dev/null
umask 077
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
export PATH
mu_failed=0
mu_busy=0
mu_lock=
mu_d=
mu_p=
mu_user=?
mu_files=
mu_nl='
'
# Where files are kept that releases are installed from.
case ${XDG_CACHE_HOME:-} in /*) mu_cache=$XDG_CACHE_HOME ;; *) mu_cache=${HOME:-/var/tmp}/.cache ;; esac
mu_cache=$mu_cache/muster/payloads
printf '\n%s begin %s\n' "$mu_m" "$(date +%s)"

# Prints $1 without giving it to a process as an argument.
case $(command -v printf) in
printf) mu_builtin=1 && mu_put() { printf %s "$1"; } ;;
*) mu_builtin='' && mu_put() { cat <<MU_END
$1
MU_END
} ;;
esac

# A folder that only we can read; made again if a step removed it.
mu_folder() {
  if [ -n "$mu_d" ] && [ -d "$mu_d" ] && [ -O "$mu_d" ]; then return 0; fi
  for mu_x in /tmp "${TMPDIR:-/var/tmp}" /var/tmp; do
    mu_d=$(mktemp -d "$mu_x/muster.XXXXXXXXXX") && [ -d "$mu_d" ] && cd "$mu_d" && return 0
    mu_d=$mu_x/${mu_m}.$$
    mkdir "$mu_d" && cd "$mu_d" && return 0
  done
  mu_d=
  return 1
}

mu_clean() {
  cd /
  if [ -n "$mu_lock" ]; then rm -f "$mu_lock"; fi
  if [ -n "$mu_d" ]; then rm -rf "$mu_d"; fi
}
trap mu_clean 0
trap 'if [ -n "$mu_p" ]; then kill -TERM "-$mu_p" || kill -TERM "$mu_p"; fi; exit 1' HUP INT TERM PIPE

# Sets mu_x to when process $1 began; fails when there is none.
mu_began() {
  mu_x=
  if read -r mu_y <"/proc/$1/stat"; then
    # The name of the program, which may hold anything, ends at the last bracket.
    mu_x=') '
    set -- ${mu_y##*"$mu_x"}
    mu_x=${20}
  else
    mu_x=$(ps -o lstart= -p "$1")
  fi
  [ -n "$mu_x" ]
}

# One change at a time: a run that was killed may have left its script at work here. Takes the account's lock, or sets
# mu_busy. A lock whose process is gone is moved away. Without a home folder there is no lock.
mu_take() {
  if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ] || ! mu_began $$; then return; fi
  mu_new=$HOME/.muster-change.$$
  rm -f "$mu_new"
  # Never through a link that somebody has put there.
  (set -C && printf '%s %s\n' $$ "$mu_x" >"$mu_new") || return
  mu_try=0
  while ! ln "$mu_new" "$HOME/.muster-change"; do
    mu_pid='' mu_since=''
    if ! read -r mu_pid mu_since <"$HOME/.muster-change" && [ ! -e "$HOME/.muster-change" ]; then
      mu_try=$((mu_try + 1))
      # There are file systems without such links; there nothing can be locked.
      if [ $mu_try -gt 3 ]; then break; else continue; fi
    fi
    if [ -n "$mu_pid" ] && mu_began "$mu_pid" && [ "$mu_x" = "$mu_since" ]; then
      mu_busy=1
      break
    fi
    mv "$HOME/.muster-change" "$mu_new.old"
    # Somebody else may have been faster, and have taken it in the meantime.
    read -r mu_y mu_x <"$mu_new.old"
    if [ "$mu_y $mu_x" != "$mu_pid $mu_since" ]; then
      ln "$mu_new.old" "$HOME/.muster-change"
      mu_busy=1
    fi
    rm -f "$mu_new.old"
    if [ $mu_busy = 1 ]; then break; fi
  done
  if [ $mu_busy = 0 ] && [ $mu_try -le 3 ]; then mu_lock=$HOME/.muster-change; fi
  rm -f "$mu_new"
}

# Sets mu_t to a number of milliseconds that only grows.
if read -r mu_t mu_x </proc/uptime && [ -n "$mu_t" ]; then
  mu_slack=20
  mu_now() {
    read -r mu_t mu_x </proc/uptime
    mu_x=${mu_t#*.}
    mu_t=$((${mu_t%.*} * 1000 + (1$mu_x - 100) * 10))
  }
else
  mu_slack=1000
  mu_now() { mu_t=$(($(date +%s) * 1000)); }
fi

# How a step gets a process group of its own.
case $(timeout --version) in
*GNU* | *uutils*) mu_mode=timeout ;;
*)
  if command -v setsid; then
    mu_mode=setsid
  elif command -v perl; then
    mu_mode=perl
  elif command -v python3; then
    mu_mode=python
  else
    mu_mode=plain
  fi >/dev/null
  ;;
esac
mu_own() {
  case $mu_mode in
  setsid) exec setsid "$@" ;;
  perl) exec perl -e 'use POSIX (); POSIX::setsid(); exec @ARGV; exit 127' "$@" ;;
  python) exec python3 -c 'import os,sys
os.setsid()
os.execvp(sys.argv[1], sys.argv[1:])' "$@" ;;
  *) exec "$@" ;;
  esac
}

# Prints the first $2 bytes of file $1. A head without -c prints nothing before it fails.
mu_first() { head -c "$2" <"$1" || dd if="$1" bs="$2" count=1; }

# Sets mu_at to how far descriptor $1 has got in its file; fails where the system does not tell.
mu_where() {
  mu_x='' mu_at=''
  read -r mu_x mu_at <"/proc/self/fdinfo/$1" || return 1
  case $mu_x$mu_at in pos: | pos:*[!0-9]*) return 1 ;; pos:*) return 0 ;; esac
  return 1
}

# Sets mu_text to what file $1 holds and mu_size to its length, without starting a program, which costs more than all
# else here. Its writer left its descriptor at $2; $3 bytes are kept. It fails where the file has to be read by a
# program: when it is long, and when a variable cannot hold it, which shows in a length that differs from what was read.
mu_short() {
  mu_text='' mu_size=0
  if [ ! -s "$1" ]; then return 0; fi
  if [ -z "$mu_builtin" ] || [ -z "$2" ] || [ "$2" -gt 400 ] || [ "$3" -lt 400 ]; then return 1; fi
  {
    while IFS= read -r mu_x <&5; do mu_text=$mu_text$mu_x$mu_nl; done
    mu_text=$mu_text$mu_x
    mu_where 5 || mu_at=
  } 5<"$1"
  mu_size=$mu_at
  [ "$mu_size" = "${#mu_text}" ]
}

# A header and its note: step, how it ended, code, milliseconds, bytes of output, of errors, whether it was cut, note.
mu_head() {
  printf '%s step %s %s %s %s raw %s %s %s %s\n%s' "$mu_m" "$1" "$2" "$3" "$4" "${#8}" "$5" "$6" "$7" "$8"
}
mu_no() {
  mu_failed=1
  mu_head "$1" "$2" 0 0 0 0 0 "$3"
  printf '\n'
}

# Whether step $1 is to run; $2 is 1 when it may change the computer, $3 is 1 when failures stop such steps.
mu_begin() {
  if [ "$2$mu_busy" = 11 ]; then
    mu_failed=1
    mu_head "$1" busy 0 0 0 0 0 ''
    printf '\n'
    return 1
  fi
  if [ "$2$3$mu_failed" = 111 ]; then
    mu_head "$1" skipped 0 0 0 0 0 ''
    printf '\n'
    return 1
  fi
  mu_folder && return 0
  mu_no "$1" not-started 'no folder for temporary files'
  return 1
}

# The first signed-in user, in mu_user.
mu_who() {
  mu_user=
  read -r mu_user mu_x <<MU_END
$(who | head -n 1)
MU_END
  if [ -z "$mu_user" ]; then
    while read -r mu_x mu_uid mu_name mu_y; do
      case $mu_uid in '' | *[!0-9]*) continue ;; esac
      if [ -z "$mu_user" ] && [ "$mu_uid" -ge 500 ]; then mu_user=$mu_name; fi
    done <<MU_END
$(loginctl list-sessions --no-legend)
MU_END
  fi
}

# Prints the processes of the step that have left its process group: those whose environment still names the step's own
# file of values, where the system shows it (Linux). It is unset for the program that looks, so that it does not find itself.
mu_left() (
  mu_x=$MUSTER_PARAMETERS_FILE
  unset MUSTER_PARAMETERS_FILE
  cd /proc || exit
  grep -lF -- "MUSTER_PARAMETERS_FILE=$mu_x" [0-9]*/environ | while IFS=/ read -r mu_y mu_x; do
    case $mu_y in *[!0-9]*) ;; *) echo "$mu_y" ;; esac
  done
)

# Ends them: a request first, force after two seconds, a few times as they may start others meanwhile.
mu_end() {
  mu_y=$(mu_left)
  if [ -z "$mu_y" ]; then return; fi
  # These are words, one for each process.
  kill -TERM $mu_y
  mu_now
  mu_since=$mu_t
  while [ -n "$mu_y" ] && [ $((mu_t - mu_since)) -lt 2000 ]; do
    sleep 0.2 || sleep 1
    mu_y=$(mu_left)
    mu_now
  done
  mu_try=0
  while [ -n "$mu_y" ] && [ $mu_try -lt 5 ]; do
    kill -KILL $mu_y
    mu_y=$(mu_left)
    mu_try=$((mu_try + 1))
  done
}

# Runs step $1 within $2 seconds, files of at most $3 blocks, interpreter $4, context $5, keeping $6 bytes, file $7.
mu_run() {
  mu_i=$1 mu_n=$2 mu_blocks=$3 mu_keep=$6 mu_context=$5 mu_file=$mu_d/$7
  MUSTER_PARAMETERS_FILE=$mu_d/$mu_i.json
  export MUSTER_PARAMETERS_FILE
  mu_x=$4
  if [ "$mu_x" = python3 ] && ! command -v python3 >/dev/null; then
    if python -c 'import sys; sys.exit(sys.version_info[0] != 3)' </dev/null >/dev/null; then mu_x=python; fi
  fi
  if ! command -v "$mu_x" >/dev/null; then
    mu_no "$mu_i" not-started "$mu_x is not installed"
    return
  fi
  case $mu_x in
  pwsh) set -- pwsh -NoProfile -NonInteractive -File "$mu_file" ;;
  *) set -- "$mu_x" "$mu_file" ;;
  esac
  if [ "$mu_context" = user ]; then
    if [ "$mu_user" = '?' ]; then mu_who; fi
    case $mu_user in
    '')
      mu_no "$mu_i" no-user ''
      return
      ;;
    -* | *[!A-Za-z0-9._@+-]*)
      mu_no "$mu_i" not-started 'the name of the signed-in user is not one that can be used'
      return
      ;;
    esac
    if [ "$(id -un)" = "$mu_user" ]; then
      mu_context=system
    elif [ "$(id -u)" != 0 ]; then
      mu_no "$mu_i" not-started 'only an administrator can run a script as the signed-in user'
      return
    elif ! { chmod 711 "$mu_d" && chown "$mu_user" "$mu_file" "$mu_i.json" $mu_files; }; then
      mu_no "$mu_i" not-started 'the signed-in user is not known to the system'
      return
    elif command -v runuser >/dev/null; then
      set -- runuser -u "$mu_user" -- "$@"
    else
      set -- su -m -s /bin/sh "$mu_user" -c "exec $*"
    fi
  fi
  mu_now
  mu_start=$mu_t
  true >"$mu_i.out" && true >"$mu_i.err" || {
    mu_no "$mu_i" not-started 'the temporary folder cannot be written'
    return
  }
  {
    (
      cd /
      mu_env
      if [ -n "${MUSTER_PAYLOAD_SHA256:-}" ]; then
        MUSTER_PAYLOAD=$mu_cache/$MUSTER_PAYLOAD_SHA256/$MUSTER_PAYLOAD_NAME
        export MUSTER_PAYLOAD
        if [ ! -d "${MUSTER_PAYLOAD%/*}" ]; then mkdir -p "${MUSTER_PAYLOAD%/*}"; fi
      fi
      if [ "$mu_context" = user ]; then
        USER=$mu_user LOGNAME=$mu_user
        mu_x=$(id -u "$mu_user")
        eval "HOME=~$mu_user"
        export USER LOGNAME HOME
        if [ -d "/run/user/$mu_x" ]; then
          XDG_RUNTIME_DIR=/run/user/$mu_x DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$mu_x/bus
          export XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
        fi
      fi
      if [ -n "$mu_blocks" ]; then ulimit -f "$mu_blocks"; fi
      if [ "$mu_mode" = timeout ]; then
        exec timeout -k 2 "$mu_n" "$@"
      fi
      mu_own sh -c '"$@"; exit $?' muster "$@"
    ) </dev/null >&3 2>&4 3>&- 4>&- &
    mu_p=$!
    if [ "$mu_mode" != timeout ]; then
      (
        mu_own sh -c 'sleep "$1"; true >"$3"; kill -TERM "-$2" || kill -TERM "$2"; sleep 2; kill -KILL "-$2" || kill -KILL "$2"' \
          muster "$mu_n" "$mu_p" "$mu_d/$mu_i.late"
      ) </dev/null >/dev/null 3>&- 4>&- &
      mu_w=$!
    fi
    wait "$mu_p"
    mu_rc=$?
    if mu_where 3; then mu_out=$mu_at; else mu_out=; fi
    if mu_where 4; then mu_err=$mu_at; else mu_err=; fi
  } 3>"$mu_i.out" 4>"$mu_i.err"
  mu_now
  if [ "$mu_rc" -gt 256 ]; then mu_rc=$((mu_rc - 128)); fi
  mu_ms=$((mu_t - mu_start))
  mu_how=exit
  if [ "$mu_mode" = timeout ]; then
    case $mu_rc in
    124 | 137) if [ $((mu_ms + mu_slack)) -ge $((mu_n * 1000)) ]; then mu_how=timed-out; fi ;;
    esac
  else
    kill -KILL "-$mu_w" || kill -KILL "$mu_w"
    wait "$mu_w"
    if [ -e "$mu_i.late" ]; then mu_how=timed-out; fi
  fi
  if [ $mu_how = timed-out ]; then
    mu_x=0
    while [ $mu_x -lt 5 ] && kill -0 "-$mu_p"; do
      sleep 0.2 || sleep 1
      mu_x=$((mu_x + 1))
    done
    kill -KILL "-$mu_p"
    mu_end
  fi
  mu_p=
  true >"$mu_i.json"
  if [ $mu_how$mu_rc != exit0 ]; then mu_failed=1; fi
  mu_cut=0
  if mu_short "$mu_i.out" "$mu_out" "$mu_keep"; then
    mu_o=$mu_size mu_out=$mu_text
  else
    mu_o=$(($(wc -c <"$mu_i.out"))) mu_out=
  fi
  if mu_short "$mu_i.err" "$mu_err" "$mu_keep"; then
    mu_e=$mu_size mu_err=$mu_text
  else
    mu_e=$(($(wc -c <"$mu_i.err"))) mu_err=
  fi
  if [ "$mu_o" -gt "$mu_keep" ]; then mu_o=$mu_keep mu_cut=1 mu_out=; fi
  if [ "$mu_e" -gt "$mu_keep" ]; then mu_e=$mu_keep mu_cut=1 mu_err=; fi
  mu_head "$mu_i" $mu_how "$mu_rc" "$mu_ms" "$mu_o" "$mu_e" "$mu_cut" ''
  if [ -n "$mu_out" ]; then mu_put "$mu_out"; elif [ "$mu_o" -gt 0 ]; then mu_first "$mu_i.out" "$mu_o"; fi
  if [ -n "$mu_err" ]; then mu_put "$mu_err"; elif [ "$mu_e" -gt 0 ]; then mu_first "$mu_i.err" "$mu_e"; fi
  printf '\n'
}
