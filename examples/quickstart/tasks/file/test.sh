# Says true if the file has exactly the wanted content. Values come as environment variables, never inside this text.
file="$HOME/muster-quickstart/$MUSTER_PARAM_PATH"
if [ ! -f "$file" ]; then
  echo "there is no file $MUSTER_PARAM_PATH"
  echo false
elif [ "$(cat "$file")" = "$MUSTER_PARAM_CONTENT" ]; then
  echo true
else
  echo "the content of $MUSTER_PARAM_PATH differs"
  echo false
fi
