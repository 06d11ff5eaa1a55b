Assert-Given 'name'
$script:name = Get-Given 'name'
if ($script:name -notmatch '^[A-Za-z0-9][A-Za-z0-9.+_-]*$') { throw "$($script:name) is not the name of a package" }
$script:version = Get-Given 'version'
if ($script:version -and $script:version -notmatch '^[A-Za-z0-9][A-Za-z0-9.+_-]*$') { throw "$($script:version) is not a version" }

function Find-Manager {
    $program = Get-Command -Name 'choco.exe' -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $program) { throw 'Chocolatey is not installed' }
    return $program.Source
}

function Get-Found {
    $program = Find-Manager
    $lines = @(& $program list --limit-output --exact $script:name --local-only 2>$null)
    # Newer ones know no other than local packages, and do not take the option.
    if ($LASTEXITCODE -ne 0) { $lines = @(& $program list --limit-output --exact $script:name) }
    foreach ($line in $lines) {
        $parts = $line -split '\|'
        if ($parts.Count -ge 2 -and $parts[0] -eq $script:name) { return $parts[1] }
    }
    return $null
}

function Read-Resource {
    $found = Get-Found
    if (-not (Test-Presence ($null -ne $found))) { return }
    if ($script:version) {
        Compare-Name 'version' $script:version $found
    } elseif ($env:MUSTER_METHOD -eq 'get') {
        Write-Field 'version' $true $found $found
    }
}

function Set-Resource {
    $program = Find-Manager
    $arguments = @('install', $script:name, '-y', '--no-progress')
    if ((Get-Given 'state' 'present') -eq 'absent') {
        $arguments = @('uninstall', $script:name, '-y')
    } elseif ($script:version) {
        $arguments = @('upgrade', $script:name, '-y', '--no-progress', '--allow-downgrade', '--version', $script:version)
    }
    & $program $arguments
    if (0, 1605, 1614, 1641, 3010 -notcontains $LASTEXITCODE) { throw "Chocolatey ended with $LASTEXITCODE" }
}
