# first
echo ÿ
