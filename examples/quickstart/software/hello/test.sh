# Says true if the tool has something to say.
if [ -n "$("$HOME/muster-quickstart/bin/hello")" ]; then
  echo true
else
  echo "hello has nothing to say"
  echo false
fi
