$off = @(Get-NetFirewallProfile | Where-Object { -not $_.Enabled })
if ($off.Count -eq 0) {
    'true'
} else {
    'off: ' + ($off.Name -join ', ')
    'false'
}
