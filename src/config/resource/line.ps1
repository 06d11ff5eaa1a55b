$script:path = Get-OwnPath
if ((Get-Given 'state' 'present') -ne 'absent') { Assert-Given 'line' }

# The lines as they are and as they are to be, and the first that is concerned.
function Get-Made {
    $absent = (Get-Given 'state' 'present') -eq 'absent'
    $line = Get-Given 'line'
    $match = Get-Given 'match'
    $old = @()
    if ([IO.File]::Exists($script:path)) { $old = @([IO.File]::ReadAllLines($script:path)) }
    $new = New-Object System.Collections.Generic.List[string]
    $done = $false
    $first = $null
    foreach ($text in $old) {
        $is = $null -ne $line -and [string]::Equals($text, $line, 'Ordinal')
        $fits = $null -ne $match -and [regex]::IsMatch($text, $match)
        if (($is -or $fits) -and $null -eq $first) { $first = $text }
        if ($absent) {
            if (-not ($is -or $fits)) { $new.Add($text) }
        } elseif ($fits) {
            if (-not $done) { $new.Add($line) }
            $done = $true
        } else {
            if ($is) { $done = $true }
            $new.Add($text)
        }
    }
    if (-not $absent -and -not $done) { $new.Add($line) }
    return @{ Old = $old; New = $new.ToArray(); First = $first; Absent = $absent; Line = $line }
}

function Read-Resource {
    $made = Get-Made
    $wanted = $null
    if (-not $made.Absent) { $wanted = $made.Line }
    $same = [string]::Equals(($made.Old -join "`n"), ($made.New -join "`n"), 'Ordinal') -and $made.Old.Count -eq $made.New.Count
    if ($same) {
        Write-Field 'line' $true $wanted $wanted
    } elseif ($made.First -ceq $wanted -and $null -ne $wanted) {
        Write-Field 'line' $false $wanted '(more than once)'
    } else {
        Write-Field 'line' $false $wanted $made.First
    }
}

function Set-Resource {
    $made = Get-Made
    if (-not [IO.File]::Exists($script:path)) {
        if ($made.Absent) { return }
        if (-not (Get-Given 'create' $false)) { throw "$($script:path) is not there, and create is not set" }
    }
    $utf8 = New-Object System.Text.UTF8Encoding $false
    $text = ''
    if ($made.New.Count -gt 0) { $text = ($made.New -join "`r`n") + "`r`n" }
    Set-Bytes $script:path ($utf8.GetBytes($text))
}
