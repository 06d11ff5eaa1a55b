# What every built-in resource stands on. It is told in MUSTER_METHOD what to do; properties come from the file with the
# parameters, and one that is not there is not managed. The lines that are printed are those of posix.sh.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$script:good = $true
$script:lines = New-Object System.Collections.Generic.List[string]
$script:given = ConvertFrom-Json ([IO.File]::ReadAllText($env:MUSTER_PARAMETERS_FILE))

function Test-Given([string]$name) { $null -ne $script:given.PSObject.Properties[$name] }

function Get-Given([string]$name, $default = $null) {
    $property = $script:given.PSObject.Properties[$name]
    if ($null -eq $property) { return $default }
    return $property.Value
}

# Ends when a property that cannot be left out has no value, as its parameter has none.
function Assert-Given {
    foreach ($name in $args) {
        if (-not (Test-Given $name)) { throw "nothing is done: the resource needs a value for $name" }
    }
}

# The path that is looked after, which is one of Windows.
function Get-OwnPath {
    Assert-Given 'path'
    $path = Get-Given 'path'
    if ($path -notmatch '^([A-Za-z]:[\\/]|\\\\)') { throw "the path $path is not absolute on Windows" }
    return $path
}

# The path of a file that came along.
function Get-Sent([string]$name) {
    Join-Path (Split-Path -Parent $env:MUSTER_PARAMETERS_FILE) (Get-Given $name)
}

function Format-Side($value) {
    if ($null -eq $value) { return '-' }
    $text = [string]$value
    return '=' + $text.Replace('\', '\\').Replace("`n", '\n').Replace("`r", '\r').Replace("`t", '\t')
}

function Write-Field([string]$name, [bool]$same, $wanted, $found, [string]$content = '') {
    $word = 'same'
    if (-not $same) {
        $word = 'differs'
        $script:good = $false
    }
    $parts = @('muster-field', $name, $word, (Format-Side $wanted), (Format-Side $found))
    if ($content) { $parts += $content }
    $script:lines.Add($parts -join "`t")
}

# Two values that have to be equal as texts, to the letter.
function Compare-Field([string]$name, $wanted, $found) {
    $same = ($null -eq $wanted) -eq ($null -eq $found)
    if ($same -and $null -ne $wanted) { $same = [string]::Equals([string]$wanted, [string]$found, 'Ordinal') }
    Write-Field $name $same $wanted $found
}

# The same for names, in which Windows makes no difference between cases.
function Compare-Name([string]$name, $wanted, $found) {
    $same = ($null -eq $wanted) -eq ($null -eq $found)
    if ($same -and $null -ne $wanted) { $same = [string]::Equals([string]$wanted, [string]$found, 'OrdinalIgnoreCase') }
    Write-Field $name $same $wanted $found
}

# Whether it is to be there, with a field for it; false when nothing else counts.
function Test-Presence([bool]$is) {
    $wanted = Get-Given 'state' 'present'
    $found = 'absent'
    if ($is) { $found = 'present' }
    Compare-Field 'state' $wanted $found
    return $wanted -ne 'absent'
}

function Get-Sum([byte[]]$bytes) {
    $sha = [Security.Cryptography.SHA256]::Create()
    try {
        $digits = [BitConverter]::ToString($sha.ComputeHash($bytes))
        return 'sha256:' + $digits.Replace('-', '').ToLowerInvariant()
    } finally {
        $sha.Dispose()
    }
}

function Test-SameBytes([byte[]]$one, [byte[]]$other) {
    if ($one.Length -ne $other.Length) { return $false }
    return (Get-Sum $one) -eq (Get-Sum $other)
}

# Writes a file at once: a new one takes the place of the old one.
function Set-Bytes([string]$path, [byte[]]$bytes) {
    $new = $path + '.muster-' + [Guid]::NewGuid().ToString('N')
    [IO.File]::WriteAllBytes($new, $bytes)
    if ([IO.File]::Exists($path)) {
        [IO.File]::Replace($new, $path, [NullString]::Value)
    } else {
        [IO.File]::Move($new, $path)
    }
}

function Invoke-Resource {
    try {
        switch ($env:MUSTER_METHOD) {
            'set' { Set-Resource | Out-Null }
            'get' { Read-Resource | Out-Null }
            'test' {
                Read-Resource | Out-Null
                $script:lines.Add($script:good.ToString())
            }
            default { throw "the method $env:MUSTER_METHOD is not known" }
        }
        [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
        foreach ($line in $script:lines) { [Console]::Out.WriteLine($line) }
    } catch {
        [Console]::Error.WriteLine($_.Exception.Message)
        exit 3
    }
}
