#!/usr/bin/env bash
# Proves object stores on a real one: versitygw, an S3 server, on this machine's
# loopback. Two shards over a bucket, one of them killed, then resumed; measured
# again from the recordings; summed up; and compared with the same on disk.
set -euo pipefail
cd "$(dirname "$0")/.."

BIN=$(realpath "${BIN:-bin/spineflex}")
VERSITYGW=github.com/versity/versitygw/cmd/versitygw@v1.8.0
WORK=$(mktemp -d)
server=
stop() {
	status=$?
	[[ -z $server ]] || kill "$server" 2>/dev/null || true
	wait 2>/dev/null || true
	((status == 0)) || tail -n 20 "$WORK"/*.log >&2 || true
	rm -rf "$WORK"
	exit "$status"
}
trap stop EXIT
say() { echo "e2e-s3: $*"; }
die() {
	say "FAILED: $*" >&2
	exit 1
}

command -v curl >/dev/null || die "curl is missing: apt-get install -y curl"
gateway=${GATEWAY:-}
if [[ -z $gateway ]]; then
	say "building $VERSITYGW"
	GOBIN=$WORK/bin go install "$VERSITYGW"
	gateway=$WORK/bin/versitygw
fi
export AWS_ACCESS_KEY_ID=spineflex AWS_SECRET_ACCESS_KEY=spineflex-secret AWS_REGION=us-east-1
port=$((20000 + RANDOM % 20000))
mkdir "$WORK/disk"
ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
	"$gateway" --port "127.0.0.1:$port" posix "$WORK/disk" --quiet >"$WORK/gateway.log" 2>&1 &
server=$!
s3() { # METHOD PATH [CURL OPTIONS]
	local method=$1 path=$2
	shift 2
	# curl before 8 does not add the header by itself.
	curl -sS --fail --noproxy '*' -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --aws-sigv4 "aws:amz:$AWS_REGION:s3" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		-X "$method" "$@" "http://127.0.0.1:$port/$path"
}
for ((i = 0; ; i++)); do
	s3 GET "" >/dev/null 2>&1 && break
	((i < 100)) || die "the server does not answer"
	sleep 0.1
done
url() { echo "s3://$1?endpoint=http://127.0.0.1:$port&use_path_style=true&region=$AWS_REGION"; }

mkdir "$WORK/in"
for i in 1 2 3; do
	ffmpeg -v error -i testdata/squat.mp4 -t "4.$i" -vf scale=360:640 "$WORK/in/set $i.mp4"
done
echo "no clip" >"$WORK/in/broken.mp4"
s3 PUT lab >/dev/null
for f in "$WORK"/in/*; do
	s3 PUT "lab/clips/anna/$(basename "$f" | sed 's/ /%20/g')" --upload-file "$f" >/dev/null
done
flags=(--recursive --quality fast --no-video --scratch "$WORK/scratch" --scratch-max 10MB)
batch() { "$BIN" batch "${flags[@]}" -o "$(url lab/results)" "$@" "$(url lab/clips)"; }
state() { # says how many clips are known
	find "$WORK/disk/lab/results/.spineflex/state" -name '*.json' 2>/dev/null | wc -l
}

say "one of two shards, killed after its first clip"
batch --shard 0/1 --json >"$WORK/killed.log" 2>&1 &
victim=$!
for ((i = 0; i < 1200; i++)); do
	(($(state) >= 2)) && break
	sleep 0.1
done
kill -9 "$victim" 2>/dev/null || die "it was done before it could be killed"
wait "$victim" 2>/dev/null || true
known=$(state)
say "killed with $known of 4 clips known"

for shard in 0 1; do
	status=0
	batch --shard "$shard/2" >"$WORK/shard$shard.log" 2>&1 || status=$?
	[[ $status == 0 || $status == 3 || $status == 1 ]] || die "shard $shard ended with $status"
	sed "s/^/    shard $shard: /" "$WORK/shard$shard.log" | grep clips
done
"$BIN" summarize "$(url lab/results)" >/dev/null
[[ -z $(ls "$WORK/scratch") ]] || die "the scratch folder is not empty: $(ls "$WORK/scratch")"

say "again: nothing is left to do"
status=0
batch --json >"$WORK/again.log" 2>&1 || status=$?
[[ $status == 3 ]] || die "exit status $status, want 3"
grep -q '"measured":3,"unmeasured":0,"failed":1,.*"skipped":4' "$WORK/again.log" || die "clips were done twice: $(tail -n 1 "$WORK/again.log")"

say "other settings: measured again from the recordings in the store"
batch --json --stature 180 >"$WORK/settings.log" 2>&1 || [[ $? == 3 ]]
! grep -q '"stage":"analysing"' "$WORK/settings.log" || die "clips were watched again"
grep -q '"measured":3,"unmeasured":0,"failed":1,.*"skipped":0' "$WORK/settings.log" || die "not measured again: $(tail -n 1 "$WORK/settings.log")"

say "the same on disk"
"$BIN" batch "${flags[@]}" --stature 180 -o "$WORK/local" "$WORK/in" >"$WORK/local.log" 2>&1 || [[ $? == 3 ]]
for i in 1 2 3; do
	for f in frames.csv reps.csv; do
		s3 GET "lab/results/anna/set%20$i/$f" | cmp - "$WORK/local/set $i/$f" || die "set $i/$f differs"
	done
done
[[ $(s3 GET lab/results/summary.csv | wc -l) == 4 ]] || die "summary.csv"
[[ $(s3 GET lab/results/failures.jsonl | wc -l) == 1 ]] || die "failures.jsonl"
say "PASSED"
