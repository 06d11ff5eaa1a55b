Assert-Given 'name'
if ((Get-Given 'state' 'present') -ne 'absent') { Assert-Given 'command' }
$script:name = Get-Given 'name'
# Other names could stand for several tasks.
if ($script:name -notmatch '^[A-Za-z0-9_-]+$') { throw "$($script:name) is not a name for a scheduled task" }
$script:path = '\Muster\'
$script:days = @('sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat')

function Get-Found { Get-ScheduledTask -TaskName $script:name -TaskPath $script:path -ErrorAction SilentlyContinue }

# The first trigger in the words of the document: `day 02:00`, `week mon,fri 02:00`, `hour 05`, `startup`, `sign-in`.
function Format-Trigger($task) {
    $trigger = @($task.Triggers)[0]
    if ($null -eq $trigger) { return $null }
    $at = ''
    if ($trigger.StartBoundary) { $at = $trigger.StartBoundary.Substring(11, 5) }
    switch ($trigger.CimClass.CimClassName) {
        'MSFT_TaskBootTrigger' { return 'startup' }
        'MSFT_TaskLogonTrigger' { return 'sign-in' }
        'MSFT_TaskDailyTrigger' { return "day $at" }
        'MSFT_TaskWeeklyTrigger' {
            $names = for ($day = 0; $day -lt 7; $day++) { if ($trigger.DaysOfWeek -band (1 -shl $day)) { $script:days[$day] } }
            return 'week ' + (@($names) -join ',') + " $at"
        }
        'MSFT_TaskTimeTrigger' {
            if ($trigger.Repetition.Interval -eq 'PT1H') { return 'hour ' + $at.Substring(3, 2) }
        }
    }
    return 'something else'
}

function Format-Wanted {
    $every = Get-Given 'every'
    switch ($every) {
        'day' { return 'day ' + (Get-Given 'at') }
        'hour' { return 'hour ' + (Get-Given 'at').Substring(3, 2) }
        'week' {
            $wanted = @((Get-Given 'days') -split "`n")
            $names = foreach ($day in $script:days) { if ($wanted -contains $day) { $day } }
            return 'week ' + (@($names) -join ',') + ' ' + (Get-Given 'at')
        }
    }
    return $every
}

function Format-Action($task) {
    $action = @($task.Actions)[0]
    if ($null -eq $action) { return $null }
    return ($action.Execute + ' ' + $action.Arguments).Trim()
}

function Get-WantedAction { 'cmd.exe /d /c "' + (Get-Given 'command') + '"' }

function Read-Resource {
    $found = Get-Found
    if (-not (Test-Presence ($null -ne $found))) { return }
    $schedule = $null
    $user = $null
    $command = $null
    if ($found) {
        $schedule = Format-Trigger $found
        $user = $found.Principal.UserId
        $command = Format-Action $found
    }
    Compare-Field 'schedule' (Format-Wanted) $schedule
    Compare-Name 'user' (Get-Given 'user' 'SYSTEM') $user
    Compare-Field 'command' (Get-WantedAction) $command
}

function Get-NewTrigger {
    $at = Get-Given 'at' '00:00'
    switch (Get-Given 'every') {
        'startup' { return New-ScheduledTaskTrigger -AtStartup }
        'sign-in' { return New-ScheduledTaskTrigger -AtLogOn }
        'day' { return New-ScheduledTaskTrigger -Daily -At $at }
        'hour' { return New-ScheduledTaskTrigger -Once -At $at -RepetitionInterval (New-TimeSpan -Hours 1) }
    }
    $long = @{ sun = 'Sunday'; mon = 'Monday'; tue = 'Tuesday'; wed = 'Wednesday'; thu = 'Thursday'; fri = 'Friday'; sat = 'Saturday' }
    $days = foreach ($day in (Get-Given 'days') -split "`n") { $long[$day] }
    return New-ScheduledTaskTrigger -Weekly -DaysOfWeek $days -At $at
}

function Set-Resource {
    if ((Get-Given 'state' 'present') -eq 'absent') {
        if (Get-Found) { Unregister-ScheduledTask -TaskName $script:name -TaskPath $script:path -Confirm:$false }
        return
    }
    $arguments = '/d /c "' + (Get-Given 'command') + '"'
    $action = New-ScheduledTaskAction -Execute 'cmd.exe' -Argument $arguments
    $user = Get-Given 'user' 'SYSTEM'
    $kind = 'S4U'
    if ('SYSTEM', 'LOCAL SERVICE', 'NETWORK SERVICE' -contains $user) { $kind = 'ServiceAccount' }
    $principal = New-ScheduledTaskPrincipal -UserId $user -LogonType $kind -RunLevel Highest
    $settings = New-ScheduledTaskSettingsSet -StartWhenAvailable -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
    Register-ScheduledTask -TaskName $script:name -TaskPath $script:path -Action $action -Trigger (Get-NewTrigger) -Principal $principal -Settings $settings -Force
}
