# What the scripts have in common that see to files of releases: where the cache is, and what is in it.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$file = $env:MUSTER_PAYLOAD
$folder = Split-Path -Parent $file
$part = Join-Path $folder '.part'
$wanted = $env:MUSTER_PAYLOAD_SHA256

function Stop-With([string]$why) {
    [Console]::Error.WriteLine($why)
    exit 1
}
function Get-Hash([string]$path) { (Get-FileHash -LiteralPath $path -Algorithm SHA256).Hash.ToLowerInvariant() }
function Get-Size([string]$path) { if ([IO.File]::Exists($path)) { (New-Object IO.FileInfo $path).Length } else { [long]0 } }
[void][IO.Directory]::CreateDirectory($folder)
