function Test-It {
  if ($true) {
    1
