# Prints the installed version, or nothing.
tool="$HOME/muster-quickstart/bin/hello"
if [ -x "$tool" ]; then
  "$tool" --version
fi
