Assert-Given 'key'
$script:key = Get-Given 'key'
if ($script:key -notmatch '^(HKLM|HKCU|HKU|HKCR|HKEY_[A-Z_]+):?\\') { throw "$($script:key) does not begin with the name of a hive" }
$script:key = 'Registry::' + ($script:key -replace '^(HK[A-Z_]+):', '$1')
$script:key = $script:key -replace '^Registry::HKLM\\', 'Registry::HKEY_LOCAL_MACHINE\'
$script:key = $script:key -replace '^Registry::HKCU\\', 'Registry::HKEY_CURRENT_USER\'
$script:key = $script:key -replace '^Registry::HKU\\', 'Registry::HKEY_USERS\'
$script:key = $script:key -replace '^Registry::HKCR\\', 'Registry::HKEY_CLASSES_ROOT\'
$script:kinds = @{
    'string' = 'String'; 'expand-string' = 'ExpandString'; 'multi-string' = 'MultiString'; 'dword' = 'DWord'; 'qword' = 'QWord'; 'binary' = 'Binary'
}

function Format-Data($value) {
    if ($null -eq $value) { return $null }
    if ($value -is [byte[]]) { return [BitConverter]::ToString($value).Replace('-', '').ToLowerInvariant() }
    if ($value -is [Array]) { return $value -join "`n" }
    if ($value -is [int]) { return ([BitConverter]::ToUInt32([BitConverter]::GetBytes($value), 0)).ToString() }
    return [string]$value
}

function Read-Resource {
    $name = Get-Given 'name' ''
    $named = Test-Given 'name'
    $item = $null
    if (Test-Path -LiteralPath $script:key) { $item = Get-Item -LiteralPath $script:key }
    $is = $null -ne $item
    if ($is -and $named) { $is = @($item.GetValueNames()) -contains $name }
    if (-not (Test-Presence $is)) { return }
    if (-not $named) { return }
    $kind = $null
    $data = $null
    if ($is) {
        $kind = $item.GetValueKind($name).ToString()
        $data = $item.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
    }
    if (Test-Given 'type') { Compare-Field 'type' $script:kinds[(Get-Given 'type')] $kind }
    if (Test-Given 'data') { Compare-Field 'data' ([string](Get-Given 'data')) (Format-Data $data) }
}

function ConvertTo-Data([string]$type, $data) {
    switch ($type) {
        'dword' { return [BitConverter]::ToInt32([BitConverter]::GetBytes([uint32]$data), 0) }
        'qword' { return [BitConverter]::ToInt64([BitConverter]::GetBytes([uint64]$data), 0) }
        'multi-string' {
            if ([string]$data -eq '') { return , (New-Object string[] 0) }
            return , [string[]]([string]$data -split "`n")
        }
        'binary' {
            $text = [string]$data
            $bytes = New-Object byte[] ($text.Length / 2)
            for ($at = 0; $at -lt $bytes.Length; $at++) { $bytes[$at] = [Convert]::ToByte($text.Substring(2 * $at, 2), 16) }
            return , $bytes
        }
    }
    return [string]$data
}

function Set-Resource {
    $named = Test-Given 'name'
    if ((Get-Given 'state' 'present') -eq 'absent') {
        if (-not (Test-Path -LiteralPath $script:key)) { return }
        if ($named) {
            Remove-ItemProperty -LiteralPath $script:key -Name (Get-Given 'name') -Force
        } elseif ((Get-Given 'recursive' $false) -or (Get-Item -LiteralPath $script:key).SubKeyCount -eq 0) {
            Remove-Item -LiteralPath $script:key -Recurse -Force
        } else {
            throw 'the key has keys below it, and recursive is not set'
        }
        return
    }
    # Without -Force, which would empty a key that is there.
    if (-not (Test-Path -LiteralPath $script:key)) {
        $missing = New-Object System.Collections.Generic.Stack[string]
        $at = $script:key
        while (-not (Test-Path -LiteralPath $at)) {
            $missing.Push($at)
            $at = Split-Path -Parent $at
        }
        while ($missing.Count -gt 0) { New-Item -Path $missing.Pop() | Out-Null }
    }
    if (-not $named) { return }
    $type = Get-Given 'type' 'string'
    $data = ConvertTo-Data $type (Get-Given 'data' '')
    New-ItemProperty -LiteralPath $script:key -Name (Get-Given 'name') -PropertyType $script:kinds[$type] -Value $data -Force
}
