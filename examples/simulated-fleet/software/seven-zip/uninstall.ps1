$ErrorActionPreference = 'Stop'
winget uninstall --exact --id 7zip.7zip --silent
exit $LASTEXITCODE
