mr_need NAME
for mr_zones in /usr/share/zoneinfo /var/db/timezone/zoneinfo ''; do
  if [ -d "$mr_zones" ]; then break; fi
done

mr_find() {
  mr_is=-
  if [ -L /etc/localtime ]; then
    mr_text=$(readlink /etc/localtime)
    case $mr_text in */zoneinfo/*) mr_is==${mr_text##*/zoneinfo/} ;; esac
  elif [ -s /etc/timezone ]; then
    read -r mr_text </etc/timezone
    mr_is==$mr_text
  fi
}

mr_look() {
  mr_find
  if [ "$mr_is" = "=$MUSTER_PARAM_NAME" ]; then
    mr_says name same "=$MUSTER_PARAM_NAME" "$mr_is"
  else
    mr_says name differs "=$MUSTER_PARAM_NAME" "$mr_is"
  fi
}

mr_set() {
  case $MUSTER_PARAM_NAME in /* | *..*) mr_fail "$MUSTER_PARAM_NAME is not a time zone" ;; esac
  if [ -z "$mr_zones" ] || [ ! -f "$mr_zones/$MUSTER_PARAM_NAME" ]; then
    mr_fail "the time zone $MUSTER_PARAM_NAME is not known here"
  fi
  mr_new=/etc/localtime.muster.$$
  rm -f "$mr_new"
  ln -s "$mr_zones/$MUSTER_PARAM_NAME" "$mr_new" && mv -f "$mr_new" /etc/localtime || exit 3
  if [ -e /etc/timezone ]; then printf '%s\n' "$MUSTER_PARAM_NAME" >/etc/timezone; fi
}
