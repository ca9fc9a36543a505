#!/bin/sh
# SPDX-License-Identifier: MIT
# apache.sh: Apache's mod_proxy as a proxy for http://127.0.0.1:40000/; shows its answer to one
# request, and its error log. It works in the current directory; the client that asks it brings
# a port of its own.
set -eu
: "${patience:?is how many seconds to wait for the server}"
modules=$(dirname "$(find /usr/lib*/apache2 -name mod_proxy_http.so)")
cat >apache.conf <<EOF
ServerName apache
ServerRoot $PWD
DefaultRuntimeDir $PWD
PidFile apache.pid
ErrorLog /dev/stderr
StartServers 1
Listen 127.0.0.1:8080
LoadModule mpm_prefork_module $modules/mod_mpm_prefork.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
ProxyTimeout $patience
ProxyPass / http://127.0.0.1:40000/
EOF
rm -f apache.log
mkfifo apache.log
# Told to end, it tells its whole process group.
setsid apache2 -D FOREGROUND -d "$PWD" -f "$PWD/apache.conf" 2>apache.log &
exec 3<apache.log
# When it has said this, it listens, and says nothing more of its start.
while read -r line <&3; do
	case $line in *AH00094:*) break ;; esac
done
curl -q -sS --local-port 20000 http://127.0.0.1:8080/ || true
kill $!
cat <&3
