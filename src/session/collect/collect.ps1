# Prints facts about this computer: one per line, a name and values separated by tabs, "end" last.
# It only reads. What cannot be read is left out: it stays unknown. Roles and identity are decided elsewhere.
$ErrorActionPreference = 'SilentlyContinue'
$ProgressPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { $null = $_ }
$script:lines = New-Object System.Text.StringBuilder

function Clear-Control($value) { (("$value" -replace "[\x00-\x1f\x7f]+", ' ').Trim()) }

function Add-Fact([string]$name, $value) {
    $text = Clear-Control $value
    if ($text) { [void]$script:lines.Append($name + "`t" + $text + "`n") }
}

# One class of WMI, never longer than its limit; nothing when it is broken.
function Get-Class([string]$class, [string]$filter) {
    try {
        if ($filter) { Get-CimInstance -ClassName $class -Filter $filter -OperationTimeoutSec 20 -ErrorAction Stop }
        else { Get-CimInstance -ClassName $class -OperationTimeoutSec 20 -ErrorAction Stop }
    } catch {
        $null = $_
    }
}

function Open-Hive([string]$hive, [string]$view) { [Microsoft.Win32.RegistryKey]::OpenBaseKey($hive, $view) }

function Get-Value($base, [string]$path, [string]$name) {
    $key = $base.OpenSubKey($path)
    if ($key) {
        $value = $key.GetValue($name)
        $key.Dispose()
        return $value
    }
}

function Get-Epoch($time) { [long][Math]::Floor(($time.ToUniversalTime() - [DateTime]'1970-01-01').TotalSeconds) }

[void]$script:lines.Append("muster-facts`t1`n")
Add-Fact 'clock' (Get-Epoch ([DateTime]::UtcNow))
$wide = [Environment]::Is64BitOperatingSystem
if ($wide) { $machine = Open-Hive 'LocalMachine' 'Registry64' } else { $machine = Open-Hive 'LocalMachine' 'Registry32' }
$current = 'SOFTWARE\Microsoft\Windows NT\CurrentVersion'

Add-Fact 'hostname' ([Environment]::MachineName)
Add-Fact 'architecture' (Get-Value $machine 'SYSTEM\CurrentControlSet\Control\Session Manager\Environment' 'PROCESSOR_ARCHITECTURE')
Add-Fact 'timeZone' ([TimeZoneInfo]::Local.Id)

# Operating system: the registry knows without WMI, WMI knows the better name.
$build = Get-Value $machine $current 'CurrentBuild'
$revision = Get-Value $machine $current 'UBR'
Add-Fact 'os.family' 'windows'
$system = Get-Class 'Win32_OperatingSystem'
if ($system) {
    Add-Fact 'os.name' $system.Caption
    if ($system.LastBootUpTime) { Add-Fact 'lastBoot' (Get-Epoch $system.LastBootUpTime) }
} else {
    $name = Get-Value $machine $current 'ProductName'
    if ([int]$build -ge 22000) { $name = $name -replace '^Windows 10', 'Windows 11' }
    Add-Fact 'os.name' $name
}
$major = Get-Value $machine $current 'CurrentMajorVersionNumber'
if ($null -ne $major) {
    Add-Fact 'os.version' ('{0}.{1}.{2}' -f $major, (Get-Value $machine $current 'CurrentMinorVersionNumber'), $build)
} else {
    Add-Fact 'os.version' ('{0}.{1}' -f (Get-Value $machine $current 'CurrentVersion'), $build)
}
if ($null -ne $revision) { Add-Fact 'os.build' "$build.$revision" } else { Add-Fact 'os.build' $build }

# Identity evidence.
$firmware = 'HARDWARE\DESCRIPTION\System\BIOS'
$product = Get-Class 'Win32_ComputerSystemProduct' | Select-Object -First 1
Add-Fact 'identity.uuid' $product.UUID
Add-Fact 'identity.manufacturer' (Get-Value $machine $firmware 'SystemManufacturer')
Add-Fact 'identity.model' (Get-Value $machine $firmware 'SystemProductName')
$serial = (Get-Class 'Win32_BIOS' | Select-Object -First 1).SerialNumber
if (-not $serial) { $serial = $product.IdentifyingNumber }
Add-Fact 'identity.serial' $serial
Add-Fact 'identity.boardSerial' (Get-Class 'Win32_BaseBoard' | Select-Object -First 1).SerialNumber
Add-Fact 'identity.machineId' (Get-Value $machine 'SOFTWARE\Microsoft\Cryptography' 'MachineGuid')
Add-Fact 'identity.generatedId' (Get-Value $machine 'SOFTWARE\Muster' 'GeneratedId')
Add-Fact 'identity.osInstalled' (Get-Value $machine $current 'InstallDate')

# Evidence of the role.
$computer = Get-Class 'Win32_ComputerSystem'
if ($computer) { Add-Fact 'domain-role' $computer.DomainRole }
foreach ($enclosure in Get-Class 'Win32_SystemEnclosure') {
    foreach ($type in $enclosure.ChassisTypes) { Add-Fact 'chassis' $type }
}
if (Get-Class 'Win32_Battery') { Add-Fact 'battery' 'yes' }

# Signed-in users: who has a desktop.
if ($computer) {
    Add-Fact 'users' 'known'
    Add-Fact 'user' $computer.UserName
    foreach ($process in Get-Class 'Win32_Process' "Name = 'explorer.exe'") {
        $owner = Invoke-CimMethod -InputObject $process -MethodName GetOwner -OperationTimeoutSec 20
        if ($owner.User) { Add-Fact 'user' ($owner.Domain + '\' + $owner.User) }
    }
}

# A pending reboot and its causes.
Add-Fact 'reboot' 'known'
$servicing = 'SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
$update = 'SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
if ($machine.OpenSubKey($servicing)) { Add-Fact 'reboot-cause' 'component-servicing' }
if ($machine.OpenSubKey($update)) { Add-Fact 'reboot-cause' 'windows-update' }
$renames = Get-Value $machine 'SYSTEM\CurrentControlSet\Control\Session Manager' 'PendingFileRenameOperations'
if (@($renames | Where-Object { $_ }).Count -gt 0) { Add-Fact 'reboot-cause' 'file-rename' }
$names = 'SYSTEM\CurrentControlSet\Control\ComputerName'
$now = Get-Value $machine "$names\ActiveComputerName" 'ComputerName'
$next = Get-Value $machine "$names\ComputerName" 'ComputerName'
if ($now -and $next -and $now -ne $next) { Add-Fact 'reboot-cause' 'computer-rename' }

# Installed software: both views of the machine, and every loaded profile.
$complete = $true
function Add-Software($key, [string]$architecture, [string]$scope) {
    foreach ($name in $key.GetSubKeyNames()) {
        $entry = $key.OpenSubKey($name)
        if (-not $entry) { continue }
        $display = Clear-Control $entry.GetValue('DisplayName')
        if ($display) {
            $code = ''
            if ($name -match '^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$') { $code = $name }
            $hidden = 'no'
            if ($entry.GetValue('SystemComponent') -eq 1) { $hidden = 'yes' }
            $fields = 'software', $display, (Clear-Control $entry.GetValue('DisplayVersion')), $architecture, $code, $scope, $hidden
            [void]$script:lines.Append(($fields -join "`t") + "`n")
        }
        $entry.Dispose()
    }
}
$uninstall = 'SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
$views = @(, @('Registry32', 'x86'))
if ($wide) { $views = @(@('Registry64', 'x86_64'), @('Registry32', 'x86')) }
foreach ($view in $views) {
    try {
        $key = (Open-Hive 'LocalMachine' $view[0]).OpenSubKey($uninstall)
        if ($key) { Add-Software $key $view[1] 'machine' }
    } catch {
        $complete = $false
    }
}
try {
    $hives = Open-Hive 'Users' 'Default'
    foreach ($sid in $hives.GetSubKeyNames()) {
        if ($sid -notmatch '^S-1-(5-21|12-1)-[0-9-]+$') { continue }
        $key = $hives.OpenSubKey("$sid\$uninstall")
        if ($key) { Add-Software $key '' 'user' }
    }
} catch {
    $complete = $false
}
if ($complete) { Add-Fact 'source' 'registry' }

# What Chocolatey installed: a folder for each package, with its description.
$chocolatey = $env:ChocolateyInstall
if (-not $chocolatey) { $chocolatey = Join-Path $env:ProgramData 'chocolatey' }
if (Test-Path -LiteralPath (Join-Path $chocolatey 'choco.exe')) {
    $read = 'source'
    try {
        foreach ($folder in [IO.Directory]::GetDirectories((Join-Path $chocolatey 'lib'))) {
            foreach ($file in [IO.Directory]::GetFiles($folder, '*.nuspec')) {
                $about = (New-Object System.Xml.XmlDocument)
                $about.Load($file)
                $id = Clear-Control $about.package.metadata.id
                if (-not $id) { continue }
                $fields = 'package', 'choco', $id, (Clear-Control $about.package.metadata.version), '', 'install ok installed'
                [void]$script:lines.Append(($fields -join "`t") + "`n")
            }
        }
    } catch {
        $read = 'unread'
    }
    Add-Fact $read 'choco'
}

# What the Windows package manager knows by an identifier of its sources. Its table is made for people, its export for
# programs. The system account has no alias for it.
$winget = Get-Command -Name 'winget.exe' -CommandType Application | Select-Object -First 1 -ExpandProperty Source
if (-not $winget) {
    $winget = Get-ChildItem -Path "$env:ProgramFiles\WindowsApps\Microsoft.DesktopAppInstaller_*_8wekyb3d8bbwe\winget.exe" |
        Sort-Object -Property LastWriteTime | Select-Object -Last 1 -ExpandProperty FullName
}
if ($winget) {
    $read = 'unread'
    $folder = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
    try {
        [void][IO.Directory]::CreateDirectory($folder)
        $file = Join-Path $folder 'export.json'
        $what = @{
            FilePath = $winget
            ArgumentList = "export --output `"$file`" --include-versions --accept-source-agreements --disable-interactivity"
            RedirectStandardOutput = Join-Path $folder 'out'
            RedirectStandardError = Join-Path $folder 'err'
            WindowStyle = 'Hidden'
            PassThru = $true
            ErrorAction = 'Stop'
        }
        $process = Start-Process @what
        if (-not $process.WaitForExit(45000)) {
            $process.Kill()
            [void]$process.WaitForExit(5000)
        } elseif (Test-Path -LiteralPath $file) {
            $export = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($file)) -ErrorAction Stop
            foreach ($source in $export.Sources) {
                foreach ($package in $source.Packages) {
                    $id = Clear-Control $package.PackageIdentifier
                    if (-not $id) { continue }
                    $fields = 'package', 'winget', $id, (Clear-Control $package.Version), '', 'install ok installed'
                    [void]$script:lines.Append(($fields -join "`t") + "`n")
                }
            }
            if ($export.Sources) { $read = 'source' }
        }
    } catch {
        $null = $_
    }
    Remove-Item -LiteralPath $folder -Recurse -Force
    Add-Fact $read 'winget'
}

# Upgrade codes by product, both as the installer packs them.
foreach ($path in 'SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UpgradeCodes', 'SOFTWARE\Classes\Installer\UpgradeCodes') {
    $codes = $machine.OpenSubKey($path)
    if (-not $codes) { continue }
    foreach ($upgrade in $codes.GetSubKeyNames()) {
        $key = $codes.OpenSubKey($upgrade)
        if (-not $key) { continue }
        foreach ($packed in $key.GetValueNames()) {
            if ($packed -match '^[0-9A-Fa-f]{32}$' -and $upgrade -match '^[0-9A-Fa-f]{32}$') {
                [void]$script:lines.Append("upgrade`t$packed`t$upgrade`n")
            }
        }
        $key.Dispose()
    }
}
[void]$script:lines.Append("end`n")
[Console]::Out.Write($script:lines.ToString())
exit 0
