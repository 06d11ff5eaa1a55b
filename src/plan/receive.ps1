# Takes a file that Muster sends in pieces into the cache. Without a piece it says what is there: `have`, `part` with its size
# and SHA-256, or `none`. Nothing else on the computer is touched.
$piece = $env:MUSTER_PARAM_PIECE
if (-not $piece) {
    if ([IO.File]::Exists($file)) {
        if ((Get-Hash $file) -eq $wanted) {
            'have'
            exit 0
        }
        [IO.File]::Delete($file)
    }
    if ([IO.File]::Exists($part)) { 'part {0} {1}' -f (Get-Size $part), (Get-Hash $part) } else { 'none' }
    exit 0
}
$offset = [long]$env:MUSTER_PAYLOAD_OFFSET
if ($offset -eq 0) { [IO.File]::Delete($part) }
$size = Get-Size $part
if ($size -ne $offset) { Stop-With "$size bytes are there, and the piece that came begins at $offset" }
$to = New-Object IO.FileStream $part, ([IO.FileMode]::Append)
try {
    $from = New-Object IO.FileStream $piece, ([IO.FileMode]::Open)
    try { $from.CopyTo($to) } finally { $from.Dispose() }
} finally {
    $to.Dispose()
}
$size = Get-Size $part
if ($size -eq [long]$env:MUSTER_PAYLOAD_SIZE) {
    $found = Get-Hash $part
    if ($found -ne $wanted) {
        [IO.File]::Delete($part)
        Stop-With "what came has the SHA-256 $found, and $wanted is wanted; it was deleted"
    }
    [IO.File]::Move($part, $file)
    'have'
} else {
    'part {0}' -f $size
}
