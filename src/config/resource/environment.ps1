Assert-Given 'name'
if ((Get-Given 'state' 'present') -ne 'absent') { Assert-Given 'value' }

function Get-Found { [Environment]::GetEnvironmentVariable((Get-Given 'name'), 'Machine') }

function Read-Resource {
    $found = Get-Found
    if (Test-Presence ($null -ne $found)) { Compare-Field 'value' (Get-Given 'value') $found }
}

function Set-Resource {
    $value = $null
    if ((Get-Given 'state' 'present') -ne 'absent') {
        $value = Get-Given 'value'
        if ($value -eq '') { throw 'Windows keeps no variable without a value' }
    }
    [Environment]::SetEnvironmentVariable((Get-Given 'name'), $value, 'Machine')
}
