# Exit 0 and a version: it is there. Exit 0 and nothing: it is not.
$service = Get-ItemProperty -Path 'HKLM:\SOFTWARE\LabTech\Service' -ErrorAction SilentlyContinue
if ($service -and $service.Version) {
    $service.Version
}
exit 0
