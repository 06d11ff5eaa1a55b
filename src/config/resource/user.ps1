Assert-Given 'name'
$script:name = Get-Given 'name'
# Windows has no such names, and they could stand for several accounts.
if ($script:name -match '["/\\\[\]:;|=,+*?<>]') { throw "$($script:name) is not a name for an account" }

function Get-Found { Get-LocalUser -Name $script:name -ErrorAction SilentlyContinue }

# The local groups of the account, by name, sorted.
function Get-Groups($user) {
    $names = foreach ($group in Get-LocalGroup) {
        $members = @(Get-LocalGroupMember -Group $group -ErrorAction SilentlyContinue)
        if (@($members | Where-Object { $_.SID -eq $user.SID }).Count -gt 0) { $group.Name }
    }
    return @($names | Sort-Object)
}

function Get-WantedGroups {
    return @((Get-Given 'groups') -split "`n" | Where-Object { $_ } | Sort-Object)
}

function Read-Resource {
    $found = Get-Found
    if (-not (Test-Presence ($null -ne $found))) { return }
    if (Test-Given 'fullName') {
        $full = $null
        if ($found) { $full = $found.FullName }
        Compare-Field 'fullName' (Get-Given 'fullName') $full
    }
    if (Test-Given 'disabled') {
        $disabled = $null
        if ($found) { $disabled = (-not $found.Enabled).ToString() }
        Compare-Name 'disabled' (Get-Given 'disabled') $disabled
    }
    if (Test-Given 'groups') {
        $groups = $null
        if ($found) { $groups = (Get-Groups $found) -join ' ' }
        Compare-Name 'groups' ((Get-WantedGroups) -join ' ') $groups
    }
}

function Set-Resource {
    $found = Get-Found
    if ((Get-Given 'state' 'present') -eq 'absent') {
        if ($found) { Remove-LocalUser -Name $script:name }
        return
    }
    if (-not $found) {
        if (Test-Given 'initialPassword') {
            $password = ConvertTo-SecureString -String (Get-Given 'initialPassword') -AsPlainText -Force
            New-LocalUser -Name $script:name -Password $password
        } else {
            New-LocalUser -Name $script:name -NoPassword
        }
        $found = Get-Found
    }
    if (Test-Given 'fullName') { Set-LocalUser -Name $script:name -FullName (Get-Given 'fullName') }
    if (Test-Given 'disabled') {
        if (Get-Given 'disabled') { Disable-LocalUser -Name $script:name } else { Enable-LocalUser -Name $script:name }
    }
    if (-not (Test-Given 'groups')) { return }
    $wanted = Get-WantedGroups
    $present = Get-Groups $found
    foreach ($group in $wanted) {
        if ($present -notcontains $group) { Add-LocalGroupMember -Group $group -Member $script:name }
    }
    foreach ($group in $present) {
        if ($wanted -notcontains $group) { Remove-LocalGroupMember -Group $group -Member $script:name }
    }
}
