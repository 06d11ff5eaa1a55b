$script:path = Get-OwnPath

function Read-Resource {
    if ([IO.File]::Exists($script:path)) { throw "$($script:path) is not a folder" }
    Test-Presence ([IO.Directory]::Exists($script:path))
}

function Set-Resource {
    if ((Get-Given 'state' 'present') -ne 'absent') {
        [IO.Directory]::CreateDirectory($script:path)
        return
    }
    if (-not [IO.Directory]::Exists($script:path)) { return }
    $recursive = [bool](Get-Given 'recursive' $false)
    if ([IO.Path]::GetPathRoot($script:path) -eq $script:path) { throw "$($script:path) is never removed" }
    if (-not $recursive -and @(Get-ChildItem -LiteralPath $script:path -Force).Count -gt 0) {
        throw "$($script:path) is not empty, and recursive is not set"
    }
    Remove-Item -LiteralPath $script:path -Recurse:$recursive -Force
}
