systemctl restart backup-agent
