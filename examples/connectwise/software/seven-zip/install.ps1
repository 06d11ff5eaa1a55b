$ErrorActionPreference = 'Stop'
$package = "\\packages\msi\7z$($env:MUSTER_VERSION -replace '\.', '')-x64.msi"
$installer = Start-Process -FilePath msiexec.exe -ArgumentList '/i', $package, '/qn', '/norestart' -Wait -PassThru
exit $installer.ExitCode
