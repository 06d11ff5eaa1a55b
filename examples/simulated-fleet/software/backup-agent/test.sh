if systemctl is-active --quiet backup-agent; then echo true; else echo false; fi
