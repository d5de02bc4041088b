#!/usr/bin/env bash
# Analyses every rendered and every labelled real clip and scores the results;
# the scorer's tables and the error budget go into docs/accuracy.md, the courses
# of the rendered clips into docs/accuracy.svg.
#   SHARED  where the clips and the scorer are
#   REUSE=1 measure again from the recordings of the last run (no inference)
set -euo pipefail

clips=("$SHARED"/synth/clips/*.mp4 "$SHARED"/footage/*.mp4)
if ! [ -e "${clips[0]}" ] || ! [ -e "$SHARED/eval/main.go" ]; then
	echo "**** SKIPPED: no clips in $SHARED (set SHARED=DIR): nothing was scored ****" >&2
	exit 0
fi
bin=$(realpath "$BIN")
results=$(realpath -m spineflex-out/accuracy)
mkdir -p "$results"
status=0
if [ "${REUSE:-}" = 1 ]; then
	"$bin" reanalyze "$results"/*/ || status=$?
else
	"$bin" analyze --no-video --overwrite -o "$results" "${clips[@]}" || status=$?
fi
# 3: some clips have no lifter from the side; the scorer knows which.
if [ "$status" -ne 0 ] && [ "$status" -ne 3 ]; then
	echo "accuracy: spineflex ended with status $status" >&2
	exit 1
fi

shared=$(realpath "$SHARED")
table=$(cd "$shared/eval" && go run . -results "$results" -truth ../synth/clips -labels ../footage/labels.json)
budget=$(go run ./cmd/accuracy -results "$results" -truth "$shared/synth/clips" -figure docs/accuracy.svg)
# Both go between their markers; the words around them stay.
page=docs/accuracy.md
between() { # MARKER, from standard input
	sed "/^<!-- $1 -->\$/q" "$page"
	cat
	sed -n "/^<!-- end of $1 -->\$/,\$p" "$page"
}
{
	echo
	echo "Made by \`make accuracy\` with $("$bin" version | head -n 1)."
	echo
	echo '```'
	printf '%s\n' "$table"
	echo '```'
	echo
} | between tables >"$page.new"
mv "$page.new" "$page"
printf '\n%s\n\n' "$budget" | between budget >"$page.new"
mv "$page.new" "$page"
printf '%s\n\n%s\n' "$table" "$budget"
