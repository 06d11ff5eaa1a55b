$script:path = Get-OwnPath

function Get-Wanted {
    if (Test-Given 'content') { return , [IO.File]::ReadAllBytes((Get-Sent 'content')) }
    if (Test-Given 'secretContent') {
        $utf8 = New-Object System.Text.UTF8Encoding $false
        return , $utf8.GetBytes((Get-Given 'secretContent'))
    }
    return $null
}

function Read-Resource {
    if ([IO.Directory]::Exists($script:path)) { throw "$($script:path) is a folder" }
    $is = [IO.File]::Exists($script:path)
    if (-not (Test-Presence $is)) { return }
    $wanted = Get-Wanted
    if ($null -eq $wanted) { return }
    $secret = Test-Given 'secretContent'
    $sum = '[secret]'
    if (-not $secret) { $sum = Get-Sum $wanted }
    if (-not $is) {
        Write-Field 'content' $false $sum $null
        return
    }
    $found = [IO.File]::ReadAllBytes($script:path)
    if (Test-SameBytes $wanted $found) {
        Write-Field 'content' $true $sum $sum
    } elseif ($secret) {
        Write-Field 'content' $false $sum '[secret]'
    } else {
        $held = ''
        if ($found.Length -le 8192 -and -not (Get-Given 'sensitive' $false)) { $held = [Convert]::ToBase64String($found) }
        Write-Field 'content' $false $sum (Get-Sum $found) $held
    }
}

function Set-Resource {
    if ((Get-Given 'state' 'present') -eq 'absent') {
        if ([IO.File]::Exists($script:path)) { Remove-Item -LiteralPath $script:path -Force }
        return
    }
    $wanted = Get-Wanted
    if ($null -ne $wanted) {
        Set-Bytes $script:path $wanted
    } elseif (-not [IO.File]::Exists($script:path)) {
        [IO.File]::WriteAllBytes($script:path, (New-Object byte[] 0))
    }
}
