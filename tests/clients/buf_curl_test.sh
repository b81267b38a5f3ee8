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
# The server describes every service that it lists.
call --list-methods http://localhost >"$work/methods"
for method in grpc.health.v1.Health/Check sas.v1.WatchService/Watch; do
  grep -qx "$method" "$work/methods" || { cat "$work/methods"; exit 1; }
done
call -d '{"service": "sas.v1.NodeService"}' http://localhost/grpc.health.v1.Health/Check |
  grep -q '"status": *"SERVING"'
# A watch has no end. Its first message is enough.
{ timeout 60 "$buf" curl --protocol grpc --http2-prior-knowledge --unix-socket "$work/sasd.sock" \
    http://localhost/sas.v1.WatchService/Watch || true; } | grep -m 1 -q '"snapshot"'

# sasd sends the bytes of many events as one batch. buf decodes each of them.
cli/sasctl --addr "unix:$work/sasd.sock" events -o jsonl >"$work/events"
/usr/bin/python3 - "$work/events" "$buf" "$work/sasd.sock" <<'PYTHON'
import json, subprocess, sys

with open(sys.argv[1], encoding="utf-8") as file:
    logged = [json.loads(line) for line in file]
whole = [event for event in logged if event.get("resumeToken")]
assert len(whole) > 2, f"only {len(whole)} events are logged"
watch = subprocess.Popen(
    [sys.argv[2], "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--unix-socket", sys.argv[3],
     "-d", json.dumps({"resumeToken": whole[0]["resumeToken"]}),
     "http://localhost/sas.v1.WatchService/Watch"],
    stdout=subprocess.PIPE, text=True)
text = ""
for line in watch.stdout:  # a message is complete when it decodes
    text += line
    try:
        message = json.loads(text)
        break
    except ValueError:
        continue
watch.kill()
revisions = [event["revision"] for event in message["events"]["events"]]
assert len(revisions) > 1, f"one event: {text}"
expected = [event["revision"] for event in whole[1:]][: len(revisions)]
assert revisions == expected, f"{revisions} instead of {expected}"
PYTHON
