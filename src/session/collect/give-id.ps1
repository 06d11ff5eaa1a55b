# Gives this computer an id of its own where it has none: a value that the collector reads.
$ErrorActionPreference = 'Stop'
$key = 'HKLM:\SOFTWARE\Muster'
if (-not (Test-Path -LiteralPath $key)) { $null = New-Item -Path $key }
$known = Get-ItemProperty -LiteralPath $key
if (-not ($known.PSObject.Properties.Name -contains 'GeneratedId')) {
    $null = New-ItemProperty -LiteralPath $key -Name 'GeneratedId' -Value $env:MUSTER_NEW_ID -PropertyType String
}
