mr_need NAME
mr_name=$MUSTER_PARAM_NAME
# Signs such as * would stand for several services.
case $mr_name in '' | -* | *[!A-Za-z0-9:_.\\@-]*) mr_fail "$mr_name is not the name of a service" ;; esac
if command -v systemctl >/dev/null; then
  mr_by=systemd
elif command -v rc-service >/dev/null; then
  mr_by=openrc
else
  mr_fail 'neither systemd nor OpenRC looks after services here'
fi

# Sets mr_is, mr_running (true or false) and mr_startup.
mr_find() {
  mr_is=1
  case $mr_by in
  systemd)
    mr_text=$(systemctl show -p LoadState -- "$mr_name") || mr_fail 'systemd does not answer'
    case $mr_text in
    *not-found*) mr_is=0 ;;
    *LoadState=*) ;;
    *) mr_fail 'systemd does not answer' ;;
    esac
    case $(systemctl is-active -- "$mr_name") in
    active | activating | reloading) mr_running=true ;;
    *) mr_running=false ;;
    esac
    mr_startup=$(systemctl is-enabled -- "$mr_name" 2>/dev/null)
    case $mr_startup in
    enabled | enabled-runtime) mr_startup=automatic ;;
    disabled) mr_startup=manual ;;
    masked | masked-runtime) mr_startup=disabled mr_is=1 ;;
    esac
    ;;
  openrc)
    if ! rc-service -e "$mr_name"; then mr_is=0; fi
    if rc-service "$mr_name" status >/dev/null 2>&1; then mr_running=true; else mr_running=false; fi
    mr_startup=manual
    # The name is the first word.
    while read -r mr_x mr_text; do
      if [ "$mr_x" = "$mr_name" ]; then mr_startup=automatic; fi
    done <<MR_END
$(rc-update show default)
MR_END
    ;;
  esac
  if [ $mr_is = 0 ]; then mr_running=false mr_startup=; fi
}

mr_look() {
  mr_find
  if [ -n "${MUSTER_PARAM_RUNNING+x}" ]; then mr_field running "$MUSTER_PARAM_RUNNING" "$mr_running"; fi
  if [ -z "${MUSTER_PARAM_STARTUP+x}" ]; then return 0; fi
  if [ $mr_is = 1 ]; then
    mr_field startup "$MUSTER_PARAM_STARTUP" "$mr_startup"
  elif [ "$MUSTER_PARAM_STARTUP" = automatic ]; then
    mr_gone startup automatic
  else
    # What is not there does not start.
    mr_says startup same "=$MUSTER_PARAM_STARTUP" -
  fi
}

mr_set() {
  mr_find
  if [ $mr_is = 0 ]; then mr_fail "there is no service $mr_name"; fi
  mr_want=${MUSTER_PARAM_STARTUP:-$mr_startup}
  if [ "$mr_want" != "$mr_startup" ]; then
    case $mr_by$mr_want in
    systemd*)
      if [ "$mr_startup" = disabled ]; then systemctl unmask -- "$mr_name" || exit 3; fi
      case $mr_want in
      automatic) systemctl enable -- "$mr_name" || exit 3 ;;
      manual) systemctl disable -- "$mr_name" || exit 3 ;;
      disabled) systemctl mask -- "$mr_name" || exit 3 ;;
      esac
      ;;
    openrcautomatic) rc-update add "$mr_name" default || exit 3 ;;
    openrcmanual) rc-update del "$mr_name" default || exit 3 ;;
    *) mr_fail "$mr_by cannot disable a service so that nothing starts it; manual is the nearest" ;;
    esac
  fi
  mr_want=${MUSTER_PARAM_RUNNING:-$mr_running}
  if [ "$mr_want" = "$mr_running" ]; then return 0; fi
  if [ "$mr_want" = true ]; then mr_do=start; else mr_do=stop; fi
  case $mr_by in
  systemd) systemctl $mr_do -- "$mr_name" || exit 3 ;;
  openrc) rc-service "$mr_name" $mr_do || exit 3 ;;
  esac
}
