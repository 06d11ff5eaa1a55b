# Removes it wherever it is on record.
foreach ($one in $managers) {
    $program = Find-Manager $one
    if (-not $program) { continue }
    if (-not (Test-Record $one $program)) { continue }
    if ($one -eq 'choco') {
        $what = 'uninstall', $names['choco'], '--yes', '--no-progress', '--limit-output'
    } else {
        $what = 'uninstall', '--id', $names['winget'], '--exact', '--silent', '--accept-source-agreements', '--disable-interactivity'
    }
    & $program @what
    if ($LASTEXITCODE -ne 0) { Exit-With $LASTEXITCODE }
}
exit 0
