$service = Get-Service -Name 'BackupAgent' -ErrorAction SilentlyContinue
if ($service -and $service.Status -eq 'Running') { 'true' } else { 'false' }
