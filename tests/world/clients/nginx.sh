#!/bin/sh
# SPDX-License-Identifier: MIT
# nginx.sh: nginx as a proxy for http://127.0.0.1:40000/; shows its answer to one request, and
# its error log. It works in the current directory, and is reached over a Unix socket: the client
# that asks it must not take a port.
set -eu
: "${patience:?is how many seconds to wait for the server}"
cat >nginx.conf <<EOF
user root root;
error_log stderr;
pid $PWD/nginx.pid;
master_process off;
events {}
http {
	access_log off;
	client_body_temp_path $PWD;
	fastcgi_temp_path $PWD;
	proxy_temp_path $PWD;
	scgi_temp_path $PWD;
	uwsgi_temp_path $PWD;
	server {
		listen unix:nginx.sock;
		location / {
			proxy_pass http://127.0.0.1:40000;
			proxy_connect_timeout ${patience}s;
			proxy_read_timeout ${patience}s;
		}
	}
}
EOF
# It goes to the background when it listens.
nginx -p "$PWD" -c "$PWD/nginx.conf"
curl -q -sS --unix-socket nginx.sock http://nginx/ || true
kill "$(cat nginx.pid)"
