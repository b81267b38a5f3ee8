#!/bin/bash
# A client that knows the API only by reflection: buf curl reads sasd's hosts and a Watch.
set -euo pipefail

buf=${SASD_CACHE:-/var/cache/sasd}/npm/bin/buf
if [[ ! -x $buf ]]; then
  echo "skipped: buf is not at $buf; ./test without --quick installs it"
  exit 0
fi
work=$(mktemp -d /tmp/buf-curl.XXXXXX)
export HOME=$work
daemon/sasd --fabric demo --listen "unix:$work/sasd.sock" &
sasd=$!
trap 'kill $sasd; wait $sasd || true; rm -rf "$work"' EXIT
cli/sasctl --addr "unix:$work/sasd.sock" --timeout 60s wait --settled

call() { "$buf" curl --protocol grpc --http2-prior-knowledge --unix-socket "$work/sasd.sock" "$@"; }
call http://localhost/sas.v1.TopologyService/ListHosts >"$work/hosts"
grep -q '"sasAddress": *"500605b00ab01230"' "$work/hosts" || { cat "$work/hosts"; exit 1; }
# A watch has no end. Its first message is enough.
{ timeout 60 "$buf" curl --protocol grpc --http2-prior-knowledge --unix-socket "$work/sasd.sock" \
    http://localhost/sas.v1.WatchService/Watch || true; } | grep -m 1 -q '"snapshot"'
