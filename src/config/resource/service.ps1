Assert-Given 'name'
$script:words = @{ 'Auto' = 'automatic'; 'Manual' = 'manual'; 'Disabled' = 'disabled' }
$script:modes = @{ 'automatic' = 'Automatic'; 'manual' = 'Manual'; 'disabled' = 'Disabled' }

function Get-Found {
    $name = (Get-Given 'name').Replace("'", "\'")
    Get-CimInstance -ClassName Win32_Service -Filter "Name = '$name'"
}

function Read-Resource {
    $found = Get-Found
    $running = 'false'
    if ($found -and $found.State -eq 'Running') { $running = 'true' }
    if (Test-Given 'running') { Compare-Name 'running' (Get-Given 'running') $running }
    if (-not (Test-Given 'startup')) { return }
    $wanted = Get-Given 'startup'
    if ($found) {
        Compare-Field 'startup' $wanted $script:words[$found.StartMode]
    } else {
        # What is not there does not start.
        Write-Field 'startup' ($wanted -ne 'automatic') $wanted $null
    }
}

function Set-Resource {
    $name = Get-Given 'name'
    if (-not (Get-Found)) { throw "there is no service $name" }
    if (Test-Given 'startup') { Set-Service -Name $name -StartupType $script:modes[(Get-Given 'startup')] }
    if (-not (Test-Given 'running')) { return }
    if (Get-Given 'running') {
        Start-Service -Name $name
    } else {
        Stop-Service -Name $name -Force
    }
}
