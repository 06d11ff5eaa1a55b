# Exit 0 and a version: it is there. Exit 0 and nothing: it is not.
if [ -x /opt/backup-agent/agent ]; then
  /opt/backup-agent/agent --version
fi
