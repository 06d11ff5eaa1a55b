Restart-Service -Name 'BackupAgent' -ErrorAction Stop
