# Installs, updates, repairs or goes back to a version: by the manager that has it on its record, else by the first of
# $managers that is there, or the one that offers the newest. MUSTER_VERSION is the version, empty for the one that the
# manager offers.

# What a manager offers; nothing where it does not know the package or its version is not made of numbers.
function Get-Offer([string]$manager, [string]$program) {
    $text = $null
    if ($manager -eq 'choco') {
        $line = & $program search $names['choco'] --exact --limit-output | Where-Object { $_ -like '*|*' } | Select-Object -First 1
        if ($line) { $text = ($line -split '\|')[1] }
    } else {
        $lines = & $program search --id $names['winget'] --exact --accept-source-agreements --disable-interactivity
        $pattern = '\s' + [regex]::Escape($names['winget']) + '\s+(\S+)'
        foreach ($line in $lines) {
            if ($line -match $pattern) {
                $text = $Matches[1]
                break
            }
        }
    }
    if ($text -match '^\d+(\.\d+){0,3}') {
        $parts = @($Matches[0] -split '\.') + '0', '0', '0'
        return [version]($parts[0..3] -join '.')
    }
}

$manager = $null
$first = $null
foreach ($one in $managers) {
    $found = Find-Manager $one
    if (-not $found) { continue }
    if (-not $first) { $first = @($one, $found) }
    if (Test-Record $one $found) {
        $manager = @($one, $found)
        break
    }
}
$known = [bool]$manager
if (-not $manager -and $choose -eq 'newest' -and -not $env:MUSTER_VERSION) {
    $best = $null
    foreach ($one in $managers) {
        $found = Find-Manager $one
        if (-not $found) { continue }
        $offer = Get-Offer $one $found
        if ($offer -and (-not $best -or $offer -gt $best)) {
            $best = $offer
            $manager = @($one, $found)
        }
    }
}
if (-not $manager) { $manager = $first }
if (-not $manager) {
    [Console]::Error.WriteLine('none of these package managers is here: ' + ($managers -join ', '))
    exit 1
}
$program = $manager[1]
$name = $names[$manager[0]]
$version = $env:MUSTER_VERSION
$action = $env:MUSTER_ACTION
$again = $action -eq 'repair' -and $version -eq $env:MUSTER_VERSION_BEFORE
if ($manager[0] -eq 'choco') {
    $what = 'install', $name, '--yes', '--no-progress', '--limit-output'
    if ($known) { $what[0] = 'upgrade' }
    if ($again) { $what[0] = 'install'; $what += '--force' }
    if ($action -eq 'downgrade') { $what += '--allow-downgrade' }
    if ($version) { $what += '--version', $version }
} else {
    $what = 'install', '--id', $name, '--exact', '--silent', '--accept-package-agreements', '--accept-source-agreements', '--disable-interactivity'
    if ($again -or $action -eq 'downgrade') { $what += '--force' }
    if ($version) { $what += '--version', $version }
}
& $program @what
Exit-With $LASTEXITCODE
