#!/usr/bin/env bash
# Looks for known vulnerabilities in what is called. Without the database there
# is nothing to compare with: that is said aloud and is no failure.
set -uo pipefail

out=$($GOVULNCHECK ./... 2>&1)
status=$?
if [ $status -ne 0 ] && grep -qE 'dial tcp|no such host|proxyconnect|i/o timeout|connection refused|HTTP (GET|HEAD)|unexpected status' <<<"$out"; then
	cat >&2 <<-END

	**** NOT CHECKED for known vulnerabilities: the database cannot be reached from here ****
	$(grep -v "^exit status" <<<"$out" | tail -n 1)

	END
	exit 0
fi
printf '%s\n' "$out"
exit $status
