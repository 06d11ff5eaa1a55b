$ErrorActionPreference = 'Stop'
$package = "\\packages\msi\backup-agent-$env:MUSTER_VERSION.msi"
$installer = Start-Process -FilePath msiexec.exe -ArgumentList '/i', $package, '/qn', '/norestart' -Wait -PassThru
exit $installer.ExitCode
