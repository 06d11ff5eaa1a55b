if ($true) {
  winget install 7zip.7zip
}
