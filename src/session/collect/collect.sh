# Prints facts about this computer: one per line, a name and values separated by tabs, "end" last.
# It only reads. What cannot be read is left out: it stays unknown. Roles and identity are decided elsewhere.
exec 2>/dev/null

fact() {
  case $2 in
  '') return ;;
  *[[:cntrl:]]*) set -- "$1" "$(printf '%s' "$2" | tr -d '\001-\037\177')" ;;
  esac
  printf '%s\t%s\n' "$1" "$2"
}
has() { command -v "$1" >/dev/null; }
# The first line of a file as a fact.
from() {
  if [ -r "$2" ]; then
    line=
    IFS= read -r line <"$2"
    fact "$1" "$line"
  fi
}
# The first of these files' time of change, as a fact.
changed() {
  if [ ! -e "$3" ]; then return 1; fi
  seconds=$(stat -c "%$2" "$3" || stat -f %m "$3")
  case $seconds in '' | 0 | *[!0-9]*) return 1 ;; esac
  fact "$1" "$seconds"
}

printf 'muster-facts\t1\n'
fact clock "$(date +%s)"
read -r kernel name release machine rest <<END
$(uname -snrm)
END
# Without a name there is one field less.
if [ -z "$machine" ]; then machine=$release release=$name name=; fi
if [ -z "$name" ] && [ -r /etc/hostname ]; then IFS= read -r name </etc/hostname; fi
fact hostname "${name%%.*}"
fact architecture "$machine"

case $kernel in
Linux) fact os.family linux ;;
Darwin) fact os.family macos ;;
'') if [ -d /proc/sys/kernel ]; then fact os.family linux; fi ;;
*) fact os.family other ;;
esac

if [ "$kernel" = Darwin ]; then
  fact os.name "$(sw_vers -productName)"
  fact os.version "$(sw_vers -productVersion)"
  fact os.build "$(sw_vers -buildVersion)"
else
  for file in /etc/os-release /usr/lib/os-release; do
    [ -r "$file" ] || continue
    while IFS= read -r line || [ -n "$line" ]; do
      value=${line#*=}
      case $value in \"*\" | \'*\') value=${value#?} value=${value%?} ;; esac
      case $line in
      NAME=*) fact os.name "$value" ;;
      VERSION_ID=*) fact os.version "$value" ;;
      esac
    done <"$file"
    break
  done
  fact os.build "$release"
fi

# Identity evidence.
dmi=/sys/class/dmi/id
from identity.uuid $dmi/product_uuid
from identity.serial $dmi/product_serial
from identity.manufacturer $dmi/sys_vendor
from identity.model $dmi/product_name
from identity.boardSerial $dmi/board_serial
from chassis $dmi/chassis_type
from identity.machineId /etc/machine-id
from identity.generatedId "${MUSTER_GENERATED_ID:-/var/lib/muster/id}"
if [ ! -d $dmi ]; then from identity.model /sys/firmware/devicetree/base/model; fi
changed identity.osInstalled Y /var/log/installer || changed identity.osInstalled W / ||
  changed identity.osInstalled Y /etc/machine-id || changed identity.osInstalled m /var/db/.AppleSetupDone
if [ "$kernel" = Darwin ]; then
  fact identity.manufacturer 'Apple Inc.'
  model=$(sysctl -n hw.model)
  fact identity.model "$model"
  fact desktop yes
  case $model in MacBook*) fact battery yes ;; esac
  ioreg -rd1 -c IOPlatformExpertDevice | while IFS= read -r line; do
    value=${line#*= \"} value=${value%\"}
    case $line in
    *'"IOPlatformUUID"'*) fact identity.uuid "$value" ;;
    *'"IOPlatformSerialNumber"'*) fact identity.serial "$value" ;;
    esac
  done
fi

# Evidence of the role.
for supply in /sys/class/power_supply/*; do
  type= scope=
  [ -r "$supply/type" ] && read -r type <"$supply/type"
  [ -r "$supply/scope" ] && read -r scope <"$supply/scope"
  if [ "$type" = Battery ] && [ "$scope" != Device ]; then
    fact battery yes
    break
  fi
done
if [ -e /etc/systemd/system/display-manager.service ]; then
  target=
  for link in /etc/systemd/system/default.target /usr/lib/systemd/system/default.target /lib/systemd/system/default.target; do
    if [ -L $link ]; then
      target=$(readlink $link)
      break
    fi
  done
  case $target in *graphical.target) fact desktop yes ;; esac
fi

# Signed-in users.
if has who && { [ -r /run/utmp ] || [ -r /var/run/utmp ] || [ "$kernel" = Darwin ]; } && sessions=$(who); then
  fact users known
  while read -r user rest; do fact user "$user"; done <<END
$sessions
END
fi
if has loginctl && sessions=$(loginctl list-sessions --no-legend); then
  fact users known
  while read -r session uid user rest; do
    case $uid in '' | *[!0-9]*) continue ;; esac
    if [ "$uid" -ge 1000 ] || [ "$uid" = 0 ]; then fact user "$user"; fi
  done <<END
$sessions
END
fi

# A pending reboot and its causes. Without a mechanism that would say so, it is unknown.
for folder in /run /var/run; do
  if [ -e $folder/reboot-required ]; then
    fact reboot known
    if [ -s $folder/reboot-required.pkgs ]; then
      while read -r line; do
        [ -n "$line" ] && fact reboot-cause "package $line"
      done <$folder/reboot-required.pkgs
    else
      fact reboot-cause reboot-required
    fi
    break
  fi
done
for file in /usr/share/update-notifier/notify-reboot-required /etc/kernel/postinst.d/unattended-upgrades \
  /etc/kernel/postinst.d/update-notifier /etc/kernel/postinst.d/reboot-required; do
  if [ -e $file ]; then fact reboot known; fi
done
if has needs-restarting; then
  needs-restarting -r >/dev/null </dev/null
  case $? in
  0) fact reboot known ;;
  1)
    fact reboot known
    fact reboot-cause needs-restarting
    ;;
  esac
fi

# Last boot and time zone.
if [ -r /proc/stat ]; then
  while read -r key value rest; do
    if [ "$key" = btime ]; then fact lastBoot "$value"; fi
  done </proc/stat
else
  boot=$(sysctl -n kern.boottime)
  boot=${boot#*sec = }
  fact lastBoot "${boot%%,*}"
fi
zone=
if [ -L /etc/localtime ]; then
  zone=$(readlink /etc/localtime)
  case $zone in */zoneinfo/*) zone=${zone#*/zoneinfo/} ;; *) zone= ;; esac
fi
if [ -z "$zone" ] && [ -r /etc/timezone ]; then IFS= read -r zone </etc/timezone; fi
fact timeZone "$zone"

# Packages. A source counts only when it was read to its end.
if has dpkg-query && dpkg-query -W -f='package\tdpkg\t${Package}\t${Version}\t${Architecture}\t${Status}\n'; then
  fact source dpkg
elif has dpkg-query; then
  fact unread dpkg
fi
if has rpm && rpm -qa --qf 'package\trpm\t%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%{ARCH}\tinstall ok installed\n'; then
  fact source rpm
elif has rpm; then
  fact unread rpm
fi
if [ -r /lib/apk/db/installed ] && has awk; then
  awk '
    function put() { if (p != "") printf "package\tapk\t%s\t%s\t%s\tinstall ok installed\n", p, v, a; p = v = a = "" }
    /^P:/ { p = substr($0, 3) } /^V:/ { v = substr($0, 3) } /^A:/ { a = substr($0, 3) } /^$/ { put() } END { put() }
  ' /lib/apk/db/installed && fact source apk
fi
# Homebrew's record is its folders: one for each formula or cask, and in it one for each version. The program itself
# would refuse to run as root.
for prefix in "${HOMEBREW_PREFIX:-}" /opt/homebrew /usr/local /home/linuxbrew/.linuxbrew; do
  if [ -z "$prefix" ] || [ ! -x "$prefix/bin/brew" ]; then continue; fi
  read=source
  for kind in Cellar Caskroom; do
    if [ ! -d "$prefix/$kind" ]; then continue; fi
    if [ ! -r "$prefix/$kind" ] || [ ! -x "$prefix/$kind" ]; then
      read=unread
      continue
    fi
    for folder in "$prefix/$kind"/*/*; do
      version=${folder##*/} name=${folder%/*}
      case $folder in *[[:cntrl:]]*) continue ;; esac
      if [ -d "$folder" ]; then
        printf 'package\tbrew\t%s\t%s\t\tinstall ok installed\n' "${name##*/}" "$version"
      fi
    done
  done
  fact $read brew
done
printf 'end\n'
exit 0
