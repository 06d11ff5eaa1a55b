Set-NetFirewallProfile -All -Enabled True -ErrorAction Stop
