if [ "$(cat "$HOME/greeting.txt" 2>/dev/null)" = "$MUSTER_PARAM_TEXT" ]; then echo true; else echo false; fi
