#!/bin/sh
# The same ten checks on the same hosts with Muster, Ansible and pyinfra, one after the other, 32 hosts at once.
#
# benches/compare.sh [HOSTS [ROUNDS]]; needs cargo, sshd, python3 with venv, and a package index for the two others.
# Ansible runs in check mode with pipelining and connections kept within a run, and without collecting facts; pyinfra
# runs dry. Scripts are run as they are; for the package list each uses what it has for that. Times are of whole
# processes, in seconds; all of the tools are warm.
set -eu
hosts=${1:-50} rounds=${2:-3}
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/compare
cd "$root"
if [ ! -x "$venv/bin/pyinfra" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet ansible-core pyinfra
fi
nice cargo build --release --quiet
nice cargo bench --quiet --bench ssh_detect --no-run

work=$(mktemp -d)
mkfifo "$work/stop" "$work/ready"
cargo bench --quiet --bench ssh_detect -- --hosts "$hosts" --serve "$work" <"$work/stop" >"$work/ready" &
farm=$!
exec 9>"$work/stop"
trap 'exec 9>&-; wait $farm || true; rm -rf "$work"' 0
trap 'exit 1' HUP INT TERM
read -r line <"$work/ready"
[ "$line" = ready ]
cd "$work"

run() {
  case $1 in
  muster) "$target/release/muster" --repo repository plan --quiet --refresh always ;;
  # Connections that a run has left open would spare the next one its sign-ins.
  ansible)
    ANSIBLE_CONFIG=$work/ansible.cfg ANSIBLE_SSH_CONTROL_PATH_DIR=$work/c$2 ANSIBLE_LOCAL_TEMP=$work/t \
      "$venv/bin/ansible-playbook" --check --inventory hosts.ini playbook.yaml
    ;;
  pyinfra) "$venv/bin/pyinfra" --yes --dry --parallel 32 hosts.py deploy.py ;;
  esac
}

echo "$hosts hosts, 10 checks, 32 at once, $rounds rounds"
round=0
while [ "$round" -lt "$rounds" ]; do
  for tool in muster ansible pyinfra; do
    start=$(date +%s.%N)
    if ! run $tool $round >"$work/$tool.log" 2>&1 </dev/null 9>&-; then
      tail -n 40 "$work/$tool.log"
      echo "$tool failed"
      exit 1
    fi
    end=$(date +%s.%N)
    awk -v tool=$tool -v start="$start" -v end="$end" 'BEGIN { printf "%-8s %8.2f s\n", tool, end - start }'
    echo "$tool $start $end" >>"$work/times"
  done
  round=$((round + 1))
done
awk '{ t = $3 - $2; if (!($1 in best) || t < best[$1]) best[$1] = t }
  END { printf "fastest: muster %.2f s, ansible %.2f s (%.1f times), pyinfra %.2f s (%.1f times)\n",
    best["muster"], best["ansible"], best["ansible"] / best["muster"], best["pyinfra"], best["pyinfra"] / best["muster"] }' "$work/times"
