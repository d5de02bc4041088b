#!/usr/bin/env bash
# Measures a batch of 20 ten-second 1080p clips without video against the same
# clips taken one after another by analyze: frames a second, and memory of all
# processes together (proportional set size). Says whether it keeps to 90 % of
# the frames a second and to 1.2 GB, and with UPDATE=1 writes what the cost
# model rests on (pkg/shard/testdata/clips.csv). Wants an idle machine.
set -euo pipefail
cd "$(dirname "$0")/.."

BIN=$(realpath "${BIN:-bin/spineflex}")
N=${N:-20}
SINGLES=${SINGLES:-3}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
mkdir "$WORK/in"
for ((i = 0; i < N; i++)); do
	# Ten seconds from another place each.
	ffmpeg -v error -ss "0.$((i % 10))$((i / 10))" -i testdata/squat.mp4 -t 10 -vf scale=1080:1920 -an \
		-c:v libx264 -preset veryfast -crf 20 "$WORK/in/$(printf 'clip%02d.mp4' "$i")"
done

# memory PID: proportional set size of a process and its descendants, kB
memory() {
	local pid sum=0 kb
	for pid in $(family "$1"); do
		kb=$(awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup" 2>/dev/null || true)
		sum=$((sum + ${kb:-0}))
	done
	echo "$sum"
}
family() {
	local child
	echo "$1"
	for child in $(cat "/proc/$1/task/"*/children 2>/dev/null || true); do
		family "$child"
	done
}
now() { date +%s.%N; }
frames() { awk 'END {print NR}' < <(tail -qn +2 "$@"); }

begun=$(now)
for ((i = 0; i < SINGLES; i++)); do
	"$BIN" analyze --quiet --no-video -o "$WORK/single" "$WORK/in/$(printf 'clip%02d.mp4' "$i")" >/dev/null
done
seconds=$(awk "BEGIN {print $(now) - $begun}")
single=$(awk "BEGIN {print $(frames "$WORK"/single/*/frames.csv) / $seconds}")

begun=$(now)
"$BIN" batch --quiet --no-video -o "$WORK/out" "$WORK/in" >/dev/null &
pid=$!
peak=0
while kill -0 "$pid" 2>/dev/null; do
	kb=$(memory "$pid")
	((kb > peak)) && peak=$kb
	sleep 0.5
done
wait "$pid"
seconds=$(awk "BEGIN {print $(now) - $begun}")
batch=$(awk "BEGIN {print $(frames "$WORK"/out/*/frames.csv) / $seconds}")

if [[ ${UPDATE:-} ]]; then
	{
		echo "seconds,frames,bytes_in,bytes_out"
		for state in "$WORK"/out/.spineflex/state/*/*.json; do
			name=$(sed 's/.*"name":"\([^"]*\)".*/\1/' "$state")
			took=$(sed 's/.*"seconds":\([0-9.e+-]*\).*/\1/' "$state")
			# The machine works on a clip for each core at a time.
			printf '%.3f,%d,%d,%d\n' "$(awk "BEGIN {print $took / $(nproc)}")" "$(frames "$WORK/out/$name/frames.csv")" \
				"$(stat -c %s "$WORK/in/$name.mp4")" "$(cat "$WORK/out/$name"/* | wc -c)"
		done
	} >pkg/shard/testdata/clips.csv
fi
awk -v s="$single" -v b="$batch" -v kb="$peak" -v n="$N" 'BEGIN {
	printf "one after another: %.1f frames/s; batch of %d: %.1f frames/s, %.0f %%; memory at most %.2f GB\n", s, n, b, 100*b/s, kb/1e6
	exit !(b >= 0.9*s && kb <= 1.2e6)
}'
