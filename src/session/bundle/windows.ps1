$ErrorActionPreference = 'Continue'
$ProgressPreference = 'SilentlyContinue'
$script:failed = $false
$script:busy = $false
$script:folder = $null
$script:ascii = New-Object System.Text.UTF8Encoding $false

function Write-Raw([string]$text) { [Console]::Out.Write($text); [Console]::Out.Flush() }

function Write-Frame([int]$step, [string]$how, [int]$code, [long]$milliseconds, [string]$note, [byte[]]$out, [byte[]]$err, [bool]$cut) {
    $note64 = [Convert]::ToBase64String($script:ascii.GetBytes($note))
    $out64 = ''
    $err64 = ''
    if ($out) { $out64 = [Convert]::ToBase64String($out) }
    if ($err) { $err64 = [Convert]::ToBase64String($err) }
    $head = '{0} step {1} {2} {3} {4} base64 {5} {6} {7} {8}' -f $script:marker, $step, $how, $code, $milliseconds, $note64.Length, $out64.Length, $err64.Length, [int]$cut
    Write-Raw ($head + "`n" + $note64 + $out64 + $err64 + "`n")
}

function Get-Text([string]$base64) { $script:ascii.GetString([Convert]::FromBase64String($base64)) }

# A folder that only the current account can open; made again if a step removed it.
function Get-Folder {
    if ($script:folder -and (Test-Path -LiteralPath $script:folder)) { return $script:folder }
    $path = Join-Path ([IO.Path]::GetTempPath()) ('muster-' + [Guid]::NewGuid().ToString('N'))
    $acl = New-Object System.Security.AccessControl.DirectorySecurity
    $acl.SetAccessRuleProtection($true, $false)
    Add-Right $acl ([System.Security.Principal.WindowsIdentity]::GetCurrent().User)
    if ($PSVersionTable.PSVersion.Major -lt 6) {
        [void][IO.Directory]::CreateDirectory($path, $acl)
    } else {
        [System.IO.FileSystemAclExtensions]::Create((New-Object System.IO.DirectoryInfo $path), $acl)
    }
    $script:folder = $path
    return $path
}

function Add-Right($acl, $identity) {
    $inherit = [System.Security.AccessControl.InheritanceFlags]'ContainerInherit, ObjectInherit'
    $none = [System.Security.AccessControl.PropagationFlags]::None
    $acl.AddAccessRule((New-Object System.Security.AccessControl.FileSystemAccessRule $identity, 'FullControl', $inherit, $none, 'Allow'))
}

# At most $keep bytes of a file that something may still be writing to, and whether there are more.
function Read-Part([string]$path, [int]$keep) {
    $result = @{ Bytes = (New-Object byte[] 0); Cut = $false }
    if (-not [IO.File]::Exists($path)) { return $result }
    $stream = New-Object System.IO.FileStream $path, 'Open', 'Read', 'ReadWrite, Delete'
    try {
        $length = [Math]::Min([long]$keep, $stream.Length)
        $buffer = New-Object byte[] $length
        $read = 0
        while ($read -lt $length) {
            $count = $stream.Read($buffer, $read, $length - $read)
            if ($count -le 0) { break }
            $read += $count
        }
        if ($read -lt $length) { [Array]::Resize([ref]$buffer, $read) }
        $result.Bytes = $buffer
        $result.Cut = $stream.Length -gt $keep
    } finally {
        $stream.Dispose()
    }
    return $result
}

function Find-Program([string]$name) {
    Get-Command -Name $name -CommandType Application -ErrorAction SilentlyContinue |
        Where-Object { $_.Source -notlike '*\WindowsApps\*' } |
        Select-Object -First 1 -ExpandProperty Source
}

function Find-Shell {
    $system = 'System32'
    if ($env:PROCESSOR_ARCHITEW6432) { $system = 'Sysnative' }
    $path = Join-Path $env:SystemRoot "$system\WindowsPowerShell\v1.0\powershell.exe"
    if (Test-Path -LiteralPath $path) { return $path }
    return Find-Program 'pwsh.exe'
}

# The part of a command line that runs $file, or nothing when the interpreter is missing.
function Get-CommandLine([string]$interpreter, [string]$file) {
    switch ($interpreter) {
        'powershell' {
            $program = Find-Shell
            if ($program) { return ('"{0}" -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{1}"' -f $program, $file) }
        }
        'cmd' { return ('call "{0}"' -f $file) }
        'python' {
            $program = Find-Program 'python.exe'
            if ($program) { return ('"{0}" "{1}"' -f $program, $file) }
            $program = Find-Program 'py.exe'
            if ($program) { return ('"{0}" -3 "{1}"' -f $program, $file) }
        }
    }
}

# Starts cmd.exe with output in files, waits, ends the whole tree at the limit. The environment is set, not passed as text.
function Wait-Command([string]$line, $variables, [string]$base, [int]$seconds, [long]$largest) {
    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = Join-Path $env:SystemRoot 'System32\cmd.exe'
    $start.Arguments = '/d /s /c "chcp 65001 >NUL & {0} <NUL >"{1}.out" 2>"{1}.err""' -f $line, $base
    $start.WorkingDirectory = $env:SystemRoot
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    foreach ($name in $variables.Keys) { $start.EnvironmentVariables[$name] = $variables[$name] }
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    $process = [System.Diagnostics.Process]::Start($start)
    $how = 'exit'
    while (-not $process.WaitForExit(250)) {
        $late = $watch.Elapsed.TotalSeconds -ge $seconds
        $size = 0
        if ($largest -gt 0) {
            foreach ($ending in '.out', '.err') {
                $file = New-Object System.IO.FileInfo ($base + $ending)
                if ($file.Exists) { $size = [Math]::Max($size, $file.Length) }
            }
        }
        if ($late -or ($largest -gt 0 -and $size -gt $largest)) {
            if ($late) { $how = 'timed-out' }
            & (Join-Path $env:SystemRoot 'System32\taskkill.exe') /T /F /PID $process.Id 2>&1 | Out-Null
            if (-not $process.WaitForExit(5000)) { $how = 'timed-out' }
            break
        }
    }
    $code = -1
    if ($process.HasExited) { $code = $process.ExitCode }
    return @{ How = $how; Code = $code; Milliseconds = $watch.ElapsedMilliseconds }
}

# The account at the console, or nothing.
function Get-SignedIn {
    try {
        return (Get-CimInstance -ClassName Win32_ComputerSystem -Property UserName -OperationTimeoutSec 20 -ErrorAction Stop).UserName
    } catch {
        return $null
    }
}

# The same in the session of a signed-in user: a task of the scheduler runs a launcher that reads what to do from a file.
function Wait-AsUser([string]$user, [string]$line, $variables, [string]$base, [int]$seconds, [long]$largest) {
    $order = @{ Line = $line; Variables = $variables; Base = $base; Seconds = $seconds; Largest = $largest }
    [IO.File]::WriteAllText("$base.order", (ConvertTo-Json -InputObject $order -Depth 5 -Compress), $script:utf16)
    $launcher = @(
        '$ErrorActionPreference = ''Stop'''
        ('function Wait-Command {' + ${function:Wait-Command} + '}')
        '$order = ConvertFrom-Json ([IO.File]::ReadAllText($PSCommandPath -replace ''\.launch\.ps1$'', ''.order''))'
        '$variables = @{}'
        'foreach ($property in $order.Variables.PSObject.Properties) { $variables[$property.Name] = $property.Value }'
        '$result = Wait-Command $order.Line $variables $order.Base $order.Seconds $order.Largest'
        '[IO.File]::WriteAllText($order.Base + ''.part'', (ConvertTo-Json $result -Compress))'
        '[IO.File]::Move($order.Base + ''.part'', $order.Base + ''.done'')'
    ) -join "`r`n"
    [IO.File]::WriteAllText("$base.launch.ps1", $launcher, $script:utf16)
    $acl = Get-Acl -LiteralPath $script:folder
    Add-Right $acl (New-Object System.Security.Principal.NTAccount $user)
    Set-Acl -LiteralPath $script:folder -AclObject $acl
    $service = New-Object -ComObject Schedule.Service
    $service.Connect()
    $root = $service.GetFolder('\')
    $task = $service.NewTask(0)
    $task.Settings.DisallowStartIfOnBatteries = $false
    $task.Settings.StopIfGoingOnBatteries = $false
    $task.Settings.Hidden = $true
    $action = $task.Actions.Create(0)
    $action.Path = Find-Shell
    $action.Arguments = '-NoProfile -NonInteractive -WindowStyle Hidden -ExecutionPolicy Bypass -File "{0}.launch.ps1"' -f $base
    $name = Split-Path -Leaf $script:folder
    # 6: create or update; 3: with the token of a signed-in user.
    $registered = $root.RegisterTaskDefinition($name, $task, 6, $user, $null, 3)
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    try {
        [void]$registered.Run($null)
        while (-not [IO.File]::Exists("$base.done")) {
            if ($watch.Elapsed.TotalSeconds -ge $seconds + 15) {
                $registered.Stop(0)
                return @{ How = 'timed-out'; Code = -1; Milliseconds = $watch.ElapsedMilliseconds }
            }
            Start-Sleep -Milliseconds 200
        }
    } finally {
        $root.DeleteTask($name, 0)
    }
    return ConvertFrom-Json ([IO.File]::ReadAllText("$base.done"))
}

function Invoke-Step([int]$step, [bool]$changes, [bool]$halt, [string]$interpreter, [string]$ending, [string]$context, [int]$seconds, [int]$keep, [string]$text, [string]$values, $variables, $files = @{}) {
    if ($changes -and $script:busy) {
        $script:failed = $true
        Write-Frame $step 'busy' 0 0 '' $null $null $false
        return
    }
    if ($changes -and $halt -and $script:failed) {
        Write-Frame $step 'skipped' 0 0 '' $null $null $false
        return
    }
    $started = $false
    try {
        $base = Join-Path (Get-Folder) "$step"
        $file = $base + $ending
        $line = Get-CommandLine $interpreter $file
        if (-not $line) {
            $script:failed = $true
            Write-Frame $step 'not-started' 0 0 "$interpreter is not installed" $null $null $false
            return
        }
        $user = $null
        if ($context -eq 'user') {
            $user = Get-SignedIn
            if (-not $user) {
                $script:failed = $true
                Write-Frame $step 'no-user' 0 0 '' $null $null $false
                return
            }
            if ($user -eq [System.Security.Principal.WindowsIdentity]::GetCurrent().Name) { $user = $null }
        }
        $body = Get-Text $text
        if ($interpreter -eq 'cmd') { $body = $body -replace "`r?`n", "`r`n" }
        [IO.File]::WriteAllText($file, $body, (New-Object System.Text.UTF8Encoding ($interpreter -eq 'powershell')))
        [IO.File]::WriteAllText("$base.json", (Get-Text $values), $script:ascii)
        $all = @{ MUSTER_PARAMETERS_FILE = "$base.json"; PYTHONUTF8 = '1' }
        foreach ($name in $script:environment.Keys) { $all[$name] = Get-Text $script:environment[$name] }
        foreach ($name in $variables.Keys) { $all[$name] = Get-Text $variables[$name] }
        if ($all['MUSTER_PAYLOAD_SHA256']) {
            # In the account's own folder, which others cannot write to.
            $cache = Join-Path ([Environment]::GetFolderPath('LocalApplicationData')) 'muster\payloads'
            $cache = Join-Path $cache $all['MUSTER_PAYLOAD_SHA256']
            [void][IO.Directory]::CreateDirectory($cache)
            $all['MUSTER_PAYLOAD'] = Join-Path $cache $all['MUSTER_PAYLOAD_NAME']
        }
        foreach ($name in $files.Keys) {
            $all[$name] = Join-Path (Get-Folder) $files[$name][0]
            [IO.File]::WriteAllBytes($all[$name], [Convert]::FromBase64String($files[$name][1]))
        }
        $largest = 268435456
        if ($changes) { $largest = 0 }
        $started = $true
        if ($user) {
            $result = Wait-AsUser $user $line $all $base $seconds $largest
        } else {
            $result = Wait-Command $line $all $base $seconds $largest
        }
        $good = 0
        if ($changes) { $good = 0, 1641, 3010 }
        if ($result.How -ne 'exit' -or $good -notcontains $result.Code) { $script:failed = $true }
        $out = Read-Part "$base.out" $keep
        $err = Read-Part "$base.err" $keep
        Write-Frame $step $result.How $result.Code $result.Milliseconds '' $out.Bytes $err.Bytes ($out.Cut -or $err.Cut)
    } catch {
        $script:failed = $true
        # A step that may have run is left without a result: it counts as lost.
        if (-not $started) { Write-Frame $step 'not-started' 0 0 ($_.Exception.GetType().FullName) $null $null $false }
    } finally {
        foreach ($name in "$base.json", "$base.order") {
            try { if ($base -and [IO.File]::Exists($name)) { [IO.File]::Delete($name) } } catch { $null = $_ }
        }
        foreach ($name in $files.Keys) {
            try { if ($all -and $all[$name]) { [IO.File]::Delete($all[$name]) } } catch { $null = $_ }
        }
    }
}

# One change at a time: a run that was killed may have left its script at work here.
function Enter-Change {
    try {
        $script:lock = New-Object System.Threading.Mutex $false, 'Global\muster-change'
        $script:busy = -not $script:lock.WaitOne(0)
    } catch [System.Threading.AbandonedMutexException] {
        # Its owner is gone, and it is ours.
        $script:busy = $false
    } catch {
        $script:busy = $true
    }
}

function Remove-Folder {
    if ($script:folder) { Remove-Item -LiteralPath $script:folder -Recurse -Force -ErrorAction SilentlyContinue }
}

$script:utf16 = New-Object System.Text.UnicodeEncoding
Write-Raw ("`n{0} begin {1}`n" -f $script:marker, [long][Math]::Floor(([DateTime]::UtcNow - [DateTime]'1970-01-01').TotalSeconds))
