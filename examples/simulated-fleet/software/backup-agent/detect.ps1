# Exit 0 and a version: it is there. Exit 0 and nothing: it is not.
$agent = "$env:ProgramFiles\Backup Agent\agent.exe"
if (Test-Path -LiteralPath $agent) {
    (Get-Item -LiteralPath $agent).VersionInfo.ProductVersion
}
exit 0
