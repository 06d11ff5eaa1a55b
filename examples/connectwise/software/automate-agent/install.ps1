$ErrorActionPreference = 'Stop'
$package = "\\packages\msi\automate-agent-$env:MUSTER_VERSION.msi"
$installer = Start-Process -FilePath msiexec.exe -ArgumentList '/i', $package, '/qn', '/norestart' -Wait -PassThru
exit $installer.ExitCode
