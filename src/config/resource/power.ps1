$script:sleep = '238c9fa8-0aad-41ed-83f4-97be242c8f20'
$script:video = '7516b95f-f776-4464-8c53-06167f40cc99'
$script:buttons = '4f971e89-eebd-4455-a8de-9e59040e7347'
# Name of the property without its end, group and setting.
$script:settings = @{
    'display' = @($script:video, '3c0bc021-c8a8-4e07-a973-6b14cbcb2b7e')
    'sleep' = @($script:sleep, '29f6c1db-86da-48c5-9fdb-f2b67b1f44da')
    'hibernate' = @($script:sleep, '9d7815a6-7ee4-497e-8888-515a05f02364')
    'lid' = @($script:buttons, '5ca83367-6e45-459f-a27b-476b1d01c936')
}
$script:lid = @('nothing', 'sleep', 'hibernate', 'shut-down')

function Invoke-Power([string[]]$arguments) {
    $lines = @(& (Join-Path $env:SystemRoot 'System32\powercfg.exe') $arguments)
    if ($LASTEXITCODE -ne 0) { throw "powercfg ended with $LASTEXITCODE" }
    return $lines
}

# What holds on mains and on battery: the last two numbers that powercfg prints, whatever its language.
function Get-Values([string]$name) {
    $setting = $script:settings[$name]
    $lines = Invoke-Power @('/query', 'SCHEME_CURRENT', $setting[0], $setting[1])
    $numbers = @($lines | Select-String -Pattern '0x([0-9a-fA-F]{8})\s*$' | ForEach-Object { [Convert]::ToUInt32($_.Matches[0].Groups[1].Value, 16) })
    if ($numbers.Count -lt 2) { throw "this computer has no setting $name" }
    return @{ 'Mains' = $numbers[$numbers.Count - 2]; 'Battery' = $numbers[$numbers.Count - 1] }
}

function ConvertTo-Number([string]$name, $value) {
    if ($name -eq 'lid') { return [Array]::IndexOf($script:lid, [string]$value) }
    return [uint32]$value * 60
}

function ConvertTo-Words([string]$name, $number) {
    if ($name -eq 'lid') { return $script:lid[$number] }
    return [Math]::Floor($number / 60).ToString()
}

function Read-Resource {
    foreach ($name in 'display', 'sleep', 'hibernate', 'lid') {
        $values = $null
        foreach ($on in 'Mains', 'Battery') {
            if (-not (Test-Given ($name + $on))) { continue }
            if ($null -eq $values) { $values = Get-Values $name }
            Compare-Field ($name + $on) (Get-Given ($name + $on)) (ConvertTo-Words $name $values[$on])
        }
    }
}

function Set-Resource {
    $verbs = @{ 'Mains' = '/setacvalueindex'; 'Battery' = '/setdcvalueindex' }
    foreach ($name in 'display', 'sleep', 'hibernate', 'lid') {
        $setting = $script:settings[$name]
        foreach ($on in 'Mains', 'Battery') {
            if (-not (Test-Given ($name + $on))) { continue }
            $number = ConvertTo-Number $name (Get-Given ($name + $on))
            Invoke-Power @($verbs[$on], 'SCHEME_CURRENT', $setting[0], $setting[1], $number)
        }
    }
    Invoke-Power @('/setactive', 'SCHEME_CURRENT')
}
