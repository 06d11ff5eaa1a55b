$ErrorActionPreference = 'Stop'
winget install --exact --id 7zip.7zip --version $env:MUSTER_VERSION --scope machine --silent --accept-package-agreements --accept-source-agreements
exit $LASTEXITCODE
