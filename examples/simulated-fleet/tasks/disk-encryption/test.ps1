$volume = Get-BitLockerVolume -MountPoint $env:SystemDrive -ErrorAction Stop
if ($volume.ProtectionStatus -eq 'On') {
    'true'
} else {
    'protection is ' + $volume.ProtectionStatus
    'false'
}
