set -eu
sh /srv/packages/backup-agent-"$MUSTER_VERSION".run --quiet
