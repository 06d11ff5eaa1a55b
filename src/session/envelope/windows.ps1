$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$what = $words[0]
$id = $words[1]
$script:idle = $false
$utf8 = New-Object System.Text.UTF8Encoding $false

function Get-Clock { [long][Math]::Floor(([DateTime]::UtcNow - [DateTime]'1970-01-01').TotalSeconds) }

function Write-Raw([string]$text) { [Console]::Out.Write($text); [Console]::Out.Flush() }

# Says a state, with the clock and with what belongs to it. Nothing here looks like that before it is printed.
function Write-State([string]$state, [string]$more) {
    $tail = ''
    if ($more) { $tail = ':' + $more }
    Write-Raw ("`n[muster:{0}:`n{1}:{2}{3}:end:{0}]`n" -f $id, $state, (Get-Clock), $tail)
}

# A folder that only administrators, the system and this account can open.
function Get-Safe([string]$path, [bool]$shared) {
    $me = [System.Security.Principal.WindowsIdentity]::GetCurrent().User
    $trusted = @($me)
    if ($shared) {
        $trusted += New-Object System.Security.Principal.SecurityIdentifier 'S-1-5-18'
        $trusted += New-Object System.Security.Principal.SecurityIdentifier 'S-1-5-32-544'
    }
    if (-not [IO.Directory]::Exists($path)) {
        $acl = New-Object System.Security.AccessControl.DirectorySecurity
        $acl.SetAccessRuleProtection($true, $false)
        $inherit = [System.Security.AccessControl.InheritanceFlags]'ContainerInherit, ObjectInherit'
        $none = [System.Security.AccessControl.PropagationFlags]::None
        foreach ($one in $trusted) {
            $acl.AddAccessRule((New-Object System.Security.AccessControl.FileSystemAccessRule $one, 'FullControl', $inherit, $none, 'Allow'))
        }
        if ($PSVersionTable.PSVersion.Major -lt 6) {
            [void][IO.Directory]::CreateDirectory($path, $acl)
        } else {
            [System.IO.FileSystemAclExtensions]::Create((New-Object System.IO.DirectoryInfo $path), $acl)
        }
    }
    # Somebody else may have made it before, to own what is put there.
    $owner = (Get-Acl -LiteralPath $path).GetOwner([System.Security.Principal.SecurityIdentifier])
    $linked = [IO.File]::GetAttributes($path) -band [IO.FileAttributes]::ReparsePoint
    if ($linked -or $trusted -notcontains $owner) { throw 'folder' }
    return $path
}

function Get-Mail {
    $principal = New-Object System.Security.Principal.WindowsPrincipal ([System.Security.Principal.WindowsIdentity]::GetCurrent())
    $shared = $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
    $root = [Environment]::GetFolderPath('LocalApplicationData')
    if ($shared) { $root = [Environment]::GetFolderPath('CommonApplicationData') }
    $path = Get-Safe (Join-Path $root 'Muster') $shared
    return Get-Safe (Join-Path $path 'Mail') $shared
}

# Makes a file that must not be there. Only one can.
function New-Claim([string]$path) {
    try {
        [IO.File]::Open($path, 'CreateNew', 'Write', 'None').Dispose()
        return $true
    } catch [IO.IOException] {
        if ([IO.File]::Exists($path)) { return $false }
        throw
    }
}

# Writes a file that others see whole or not at all.
function Write-Whole([string]$path, [string]$text) {
    $new = '{0}.{1}' -f $path, $PID
    [IO.File]::WriteAllText($new, $text, $utf8)
    if ([IO.File]::Exists($path)) { [IO.File]::Delete($path) }
    [IO.File]::Move($new, $path)
}

function Get-Lines([byte[]]$bytes) {
    $text = [Convert]::ToBase64String($bytes)
    $lines = New-Object System.Text.StringBuilder
    for ($at = 0; $at -lt $text.Length; $at += 76) {
        [void]$lines.Append($text.Substring($at, [Math]::Min(76, $text.Length - $at))).Append("`n")
    }
    return $lines.ToString()
}

# Makes the answer from what the bundle has printed. The file `head` comes last: with it the answer is complete.
function Save-Answer {
    $packed = New-Object System.IO.MemoryStream
    $zip = New-Object System.IO.Compression.GZipStream $packed, ([IO.Compression.CompressionMode]::Compress)
    if ([IO.File]::Exists("$box\out")) {
        $out = New-Object System.IO.FileStream "$box\out", 'Open', 'Read', 'ReadWrite, Delete'
        try { $out.CopyTo($zip) } finally { $out.Dispose() }
    }
    $zip.Dispose()
    $bytes = $packed.ToArray()
    $sum = [BitConverter]::ToString([System.Security.Cryptography.SHA256]::Create().ComputeHash($bytes)).Replace('-', '').ToLowerInvariant()
    $kind = 'gzip'
    $lines = Get-Lines $bytes
    # Of nothing some versions make nothing.
    if ($bytes.Length -eq 0) {
        $kind = 'plain'
        $lines = "`n"
    }
    Write-Whole "$box\text" $lines
    Write-Whole "$box\head" ('{0} {1} {2}' -f $kind, $sum, ($lines.Split("`n").Length - 1))
}

# Whether the process that the order started is still at work.
function Test-Alive {
    if (-not [IO.File]::Exists("$box\pid")) { return $true }
    $known = [IO.File]::ReadAllText("$box\pid").Split(' ')
    $process = Get-Process -Id ([int]$known[0]) -ErrorAction SilentlyContinue
    return [bool]($process -and $process.StartTime.ToFileTimeUtc() -eq [long]$known[1])
}

# Tells what has become of an order that was taken: the answer from line $first, at most $most lines.
function Write-Told([int]$first, [int]$most) {
    if ([IO.File]::Exists("$box\refused")) {
        $said = [IO.File]::ReadAllText("$box\refused").Split(' ')
        Write-State $said[0] $said[1]
        return
    }
    if (-not [IO.File]::Exists("$box\head")) {
        if ((Test-Alive) -and -not [IO.File]::Exists("$box\head")) {
            Write-State 'running'
            return
        }
        # A run that was ended from outside has what it printed until then for its answer.
        if (-not [IO.File]::Exists("$box\head")) {
            try {
                Save-Answer
            } catch {
                Write-State 'broken'
                return
            }
        }
    }
    $head = [IO.File]::ReadAllText("$box\head").Split(' ')
    $lines = [IO.File]::ReadAllLines("$box\text")
    $last = [Math]::Min($first + $most - 1, [int]$head[2])
    $count = $last - $first + 1
    Write-Raw ("`n[muster:{0}:`ndone:{1}:{2}:`n{3}:`n{4}:{5}:{6}:`n" -f $id, (Get-Clock), $head[0], $head[1], $head[2], $first, $count)
    if ($count -gt 0) { Write-Raw (($lines[($first - 1)..($last - 1)] -join "`n") + "`n") }
    Write-Raw (":end:{0}]`n" -f $id)
}

# Refuses an order that was taken, for good.
function Write-Refusal([string]$state, [string]$more) {
    Write-Whole "$box\refused" ('{0} {1}' -f $state, $more)
    Write-State $state $more
}

function Get-Parts {
    $names = @([IO.Directory]::GetFiles($folder, 'part-*') | ForEach-Object { [IO.Path]::GetFileName($_) })
    return @($names | Where-Object { $_ -match '^part-[0-9]+$' } | ForEach-Object { [int]$_.Substring(5) })
}

# The highest number that has run. All have as many digits, so their names are in order.
function Get-Newest {
    [IO.Directory]::GetFiles($mail, 'number-*') | ForEach-Object { [IO.Path]::GetFileName($_).Substring(7) } | Sort-Object | Select-Object -Last 1
}

function Find-Shell {
    $system = 'System32'
    if ($env:PROCESSOR_ARCHITEW6432) { $system = 'Sysnative' }
    $path = Join-Path $env:SystemRoot "$system\WindowsPowerShell\v1.0\powershell.exe"
    if ([IO.File]::Exists($path)) { return $path }
    return (Get-Process -Id $PID).Path
}

function Invoke-Order([string]$number, [int]$parts, [int]$most) {
    $newest = Get-Newest
    if ($newest -and [string]::CompareOrdinal($newest, $number) -ge 0) {
        Write-Refusal 'superseded' $newest
        return
    }
    # Of two that come at the same time, the one that sees the other's higher number gives way.
    [IO.File]::WriteAllText("$mail\number-$number", '')
    $newest = Get-Newest
    if ($newest -ne $number) {
        Write-Refusal 'superseded' $newest
        return
    }
    foreach ($name in [IO.Directory]::GetFiles($mail, 'number-*')) {
        if ([string]::CompareOrdinal([IO.Path]::GetFileName($name).Substring(7), $number) -lt 0) { [IO.File]::Delete($name) }
    }
    $whole = $piece
    if ($parts -gt 1) {
        $whole = (1..$parts | ForEach-Object { [IO.File]::ReadAllText("$folder\part-$_") }) -join ''
    }
    $packed = New-Object System.IO.MemoryStream (, [Convert]::FromBase64String($whole))
    $zip = New-Object System.IO.Compression.GZipStream $packed, ([IO.Compression.CompressionMode]::Decompress)
    $body = New-Object System.IO.MemoryStream
    $zip.CopyTo($body)
    # The empty lines end the statement, and keep a byte order mark away from it.
    $text = "`n& ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('" + [Convert]::ToBase64String($body.ToArray()) + "'))))`n`n"
    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = Join-Path $env:SystemRoot 'System32\cmd.exe'
    $start.Arguments = '/d /s /c ""{0}" -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command - >"{1}\out" 2>NUL"' -f (Find-Shell), $box
    $start.WorkingDirectory = $env:SystemRoot
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    try { [Console]::InputEncoding = New-Object System.Text.ASCIIEncoding } catch { $null = $_ }
    $script:idle = $false
    $process = [System.Diagnostics.Process]::Start($start)
    Write-Whole "$box\pid" ('{0} {1}' -f $process.Id, $process.StartTime.ToFileTimeUtc())
    $bytes = [Text.Encoding]::ASCII.GetBytes($text)
    # A shell that ends early closes its input; its answer says why.
    try {
        $process.StandardInput.BaseStream.Write($bytes, 0, $bytes.Length)
        $process.StandardInput.Dispose()
    } catch [IO.IOException] { $null = $_ }
    $process.WaitForExit()
    try {
        Save-Answer
    } catch {
        Write-State 'broken'
        return
    }
    Write-Told 1 $most
    foreach ($old in [IO.Directory]::GetDirectories($mail)) {
        try {
            if ([IO.Directory]::GetLastWriteTimeUtc($old) -lt [DateTime]::UtcNow.AddDays(-2)) { [IO.Directory]::Delete($old, $true) }
        } catch { $null = $_ }
    }
}

function Receive-Order([int]$part, [int]$parts, [string]$number, [long]$from, [long]$until, [int]$length, [int]$most) {
    if ([IO.File]::Exists("$box\claim")) {
        Write-Told 1 $most
        return
    }
    if ($piece.Length -ne $length) {
        Write-State 'damaged' "$part"
        return
    }
    [void][IO.Directory]::CreateDirectory($box)
    $clock = Get-Clock
    if ($clock -gt $until -or $clock -lt $from) {
        if (New-Claim "$box\claim") { Write-Refusal 'late' } else { Write-Told 1 $most }
        return
    }
    if ($parts -gt 1) {
        Write-Whole "$folder\part-$part" $piece
        $here = Get-Parts
        if (@(1..$parts | Where-Object { $here -notcontains $_ }).Length -gt 0) {
            Write-State 'parts' ($here -join '.')
            return
        }
    }
    if (New-Claim "$box\claim") {
        $script:idle = $true
        Invoke-Order $number $parts $most
    } else {
        Write-Told 1 $most
    }
}

try {
    $mail = Get-Mail
    $folder = Join-Path $mail $id
    $box = Join-Path $folder 'run'
    if ($what -eq 'order') {
        Receive-Order $words[2] $words[3] $words[4] $words[5] $words[6] $words[8] $words[10]
    } elseif ([IO.File]::Exists("$box\claim")) {
        Write-Told $words[2] $words[3]
    } elseif ([IO.Directory]::Exists($folder)) {
        Write-State 'parts' ((Get-Parts) -join '.')
    } else {
        Write-State 'unknown'
    }
} catch {
    # What was taken stays taken: when it may have run, it counts as under way until its time is over.
    if ($script:idle) {
        Write-Refusal 'cannot' 'start'
    } elseif ($box -and [IO.File]::Exists("$box\claim")) {
        Write-State 'running'
    } else {
        Write-State 'cannot' 'folder'
    }
}
