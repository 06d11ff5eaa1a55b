# Turns base64 into what it stands for; systems differ in what can do that.
if [ "$(echo QQ== | base64 -d)" = A ]; then
  mu_decode() { base64 -d; }
elif [ "$(echo QQ== | base64 -D)" = A ]; then
  mu_decode() { base64 -D; }
elif [ "$(echo QQ== | openssl base64 -d -A)" = A ]; then
  mu_decode() { openssl base64 -d -A; }
elif [ "$(echo QQ== | perl -MMIME::Base64 -0777 -ne 'print decode_base64($_)')" = A ]; then
  mu_decode() { perl -MMIME::Base64 -0777 -ne 'print decode_base64($_)'; }
else
  mu_decode() {
    python3 -c 'import base64,sys
sys.stdout.buffer.write(base64.b64decode(sys.stdin.read()))'
  }
fi
