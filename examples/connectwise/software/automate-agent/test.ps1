# The agent works while both of its services run.
$services = Get-Service -Name 'LTService', 'LTSvcMon' -ErrorAction SilentlyContinue
$running = @($services | Where-Object { $_.Status -eq 'Running' })
if ($running.Count -eq 2) { 'true' } else { 'false' }
exit 0
