# Sees to it that a file is in the cache: fetches it unless it is there already, goes on where it broke off, and keeps it
# only with the right SHA-256. Nothing else on the computer is touched.
$url = $env:MUSTER_PAYLOAD_URL
# What follows a ? may be a secret.
$shown = ($url -split '[?#]')[0]
$brought = 'the download script brought'
if ($env:MUSTER_PAYLOAD_FETCHED -eq 'muster') { $brought = 'Muster sent' }

# Fetches what is missing of the part.
function Receive-Part {
    $have = Get-Size $part
    $request = [Net.HttpWebRequest]::Create($url)
    $request.UserAgent = 'muster'
    $request.Timeout = 30000
    $request.ReadWriteTimeout = 60000
    if ($have -gt 0) { $request.AddRange([long]$have) }
    $response = $request.GetResponse()
    try {
        # A server that cannot go on in the middle sends the whole.
        $mode = [IO.FileMode]::Create
        if ($have -gt 0 -and [int]$response.StatusCode -eq 206) { $mode = [IO.FileMode]::Append }
        $from = $response.GetResponseStream()
        $to = New-Object IO.FileStream $part, $mode
        try {
            $buffer = New-Object byte[] 65536
            while (($count = $from.Read($buffer, 0, $buffer.Length)) -gt 0) {
                $to.Write($buffer, 0, $count)
                if ($limit -ge 0 -and $to.Position -gt $limit) { throw 'it is larger than its size' }
            }
        } finally {
            $to.Dispose()
        }
        if ($response.ContentLength -ge 0) {
            $expected = $response.ContentLength
            if ($mode -eq [IO.FileMode]::Append) { $expected += $have }
            if ((Get-Size $part) -lt $expected) { throw 'the connection broke off' }
        }
    } finally {
        $response.Dispose()
    }
}

try { [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12 } catch { $null = $_ }
if ([IO.File]::Exists($file)) {
    $found = Get-Hash $file
    if ($found -eq $wanted) {
        'the file is in the cache'
        exit 0
    }
    [IO.File]::Delete($file)
    if ($env:MUSTER_PAYLOAD_FETCHED) { Stop-With "$brought a file with the SHA-256 $found, and $wanted is wanted" }
}
if ($env:MUSTER_PAYLOAD_FETCHED) { Stop-With "$brought no file" }

$tries = 0
$best = [long]0
$whole = $false
$limit = [long]-1
if ($env:MUSTER_PAYLOAD_SIZE) { $limit = [long]$env:MUSTER_PAYLOAD_SIZE }
while ($true) {
    $before = Get-Size $part
    if ($env:MUSTER_PAYLOAD_SIZE -and $before -gt [long]$env:MUSTER_PAYLOAD_SIZE) {
        [IO.File]::Delete($part)
        $before = [long]0
    }
    if ($before -eq 0) { $whole = $true }
    $why = $null
    if (-not $env:MUSTER_PAYLOAD_SIZE -or $before -ne [long]$env:MUSTER_PAYLOAD_SIZE) {
        try { Receive-Part } catch { $why = $_.Exception.Message }
    }
    if ($limit -ge 0 -and (Get-Size $part) -gt $limit) {
        [IO.File]::Delete($part)
        # The beginning may have been of another file.
        if ($whole) { Stop-With "the file at $shown has more than its $limit bytes; it was deleted" }
        $best = [long]0
        $tries = 0
        continue
    }
    if (-not $why) {
        $found = Get-Hash $part
        if ($found -eq $wanted) {
            [IO.File]::Move($part, $file)
            'the file was fetched'
            exit 0
        }
        [IO.File]::Delete($part)
        # The beginning may have been of another file.
        if ($whole) { Stop-With "the file at $shown has the SHA-256 $found, and $wanted is wanted; it was deleted" }
        $best = [long]0
        $tries = 0
        continue
    }
    $after = Get-Size $part
    if ($after -gt $best) {
        # It goes on, however slowly.
        $best = $after
        $tries = 0
    } else {
        $tries++
        if ($before -gt 0 -and [IO.File]::Exists($part)) {
            # What is there may be all of it, or no beginning of it.
            if ((Get-Hash $part) -eq $wanted) {
                [IO.File]::Move($part, $file)
                exit 0
            }
            if ($tries -ge 2) { [IO.File]::Delete($part) }
        }
    }
    if ($tries -ge 4) { Stop-With "$shown could not be fetched: $why" }
    Start-Sleep -Seconds $tries
}
