$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

# The path of a manager's program; nothing where it is not on this computer.
function Find-Manager([string]$manager) {
    $command = Get-Command -Name "$manager.exe" -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($command) { return $command.Source }
    if ($manager -eq 'choco') {
        foreach ($folder in $env:ChocolateyInstall, (Join-Path $env:ProgramData 'chocolatey')) {
            if ($folder -and (Test-Path -LiteralPath (Join-Path $folder 'choco.exe'))) { return (Join-Path $folder 'choco.exe') }
        }
        return
    }
    # The system account has no alias for it.
    Get-ChildItem -Path "$env:ProgramFiles\WindowsApps\Microsoft.DesktopAppInstaller_*_8wekyb3d8bbwe\winget.exe" -ErrorAction SilentlyContinue |
        Sort-Object -Property LastWriteTime | Select-Object -Last 1 -ExpandProperty FullName
}

# Whether a manager has the package on its record.
function Test-Record([string]$manager, [string]$program) {
    if ($manager -eq 'choco') {
        $folder = Join-Path (Split-Path -Parent $program) 'lib'
        if ((Split-Path -Leaf (Split-Path -Parent $program)) -eq 'bin') { $folder = Join-Path (Split-Path -Parent (Split-Path -Parent $program)) 'lib' }
        return (Test-Path -LiteralPath (Join-Path $folder $names['choco']))
    }
    $null = & $program list --id $names['winget'] --exact --accept-source-agreements --disable-interactivity
    return ($LASTEXITCODE -eq 0)
}

# Done, done with a restart to follow, or nothing left to do.
function Exit-With([int]$code) {
    $fine = 0, 3010, 1641, -1978334967, -1978335189, -1978335135
    if ($fine -contains $code) { exit 0 }
    [Console]::Error.WriteLine("the package manager ended with $code")
    exit 1
}
