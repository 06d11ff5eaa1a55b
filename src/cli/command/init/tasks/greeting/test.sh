if [ "$(cat "$HOME/.muster-greeting" 2>/dev/null)" = "$MUSTER_PARAM_TEXT" ]; then
  echo true
else
  echo "~/.muster-greeting does not say $MUSTER_PARAM_TEXT"
  echo false
fi
