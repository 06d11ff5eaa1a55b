if systemctl is-active --quiet nftables; then
  echo true
else
  echo 'nftables is not active'
  echo false
fi
