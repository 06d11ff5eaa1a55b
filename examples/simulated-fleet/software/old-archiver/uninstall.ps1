$ErrorActionPreference = 'Stop'
$program = Start-Process -FilePath "$env:ProgramFiles\Old Archiver\uninstall.exe" -ArgumentList '/S' -Wait -PassThru
exit $program.ExitCode
