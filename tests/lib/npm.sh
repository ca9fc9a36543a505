#!/bin/sh
# SPDX-License-Identifier: MIT
# npm.sh NAME@VERSION: fetches this npm package, and what it depends on, for tests that need
# npm:NAME@VERSION, to a folder of that name in ~/.cache/noselfconn/npm.
set -eu
# shellcheck source=tests/lib/needs.sh
. "${0%/*}/needs.sh"

echo "fetching from npm: $1" >&2
mkdir -p "$npm_folder/${1%/*}"
new=$(mktemp -d "$npm_folder/$1.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' INT TERM
npm install --prefix "$new" --silent --ignore-scripts --no-audit --no-fund "$1" >/dev/null
chmod 755 "$new"
mv -T "$new" "$npm_folder/$1"
