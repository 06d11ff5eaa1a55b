apt-get install 7zip
