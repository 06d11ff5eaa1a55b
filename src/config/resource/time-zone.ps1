Assert-Given 'windowsName'
function Read-Resource { Compare-Name 'name' (Get-Given 'windowsName') ([TimeZoneInfo]::Local.Id) }

function Set-Resource {
    & (Join-Path $env:SystemRoot 'System32\tzutil.exe') /s (Get-Given 'windowsName')
    if ($LASTEXITCODE -ne 0) { throw "tzutil ended with $LASTEXITCODE" }
}
