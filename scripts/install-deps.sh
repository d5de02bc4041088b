#!/usr/bin/env bash
# Installs what the build needs from Debian or Ubuntu, if anything is missing;
# with the argument "test" what the tests need besides.
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
	echo "install-deps: $*" >&2
	exit 1
}

# Debian's and Ubuntu's own Go is too old; where it can, it fetches the right one by itself.
if ! said=$("${GO:-go}" list -m 2>&1); then
	printf '%s\n' "$said" >&2
	die "Go 1.26 or later is needed: install it from https://go.dev/dl/ and put its bin folder on the PATH"
fi

packages=()
need() { # need PACKAGE COMMAND...: PACKAGE is wanted where COMMAND fails
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || packages+=("$package")
}
need pkg-config command -v pkg-config
need gcc command -v gcc
need g++ command -v g++
need lld command -v ld.lld
need ffmpeg command -v ffprobe
need libopencv-dev pkg-config --exists opencv4
# Ubuntu's package is a stub that asks for snap.
if [ "${1:-}" = test ] && grep -qsx 'ID=debian' /etc/os-release; then
	need chromium command -v chromium
fi
[ ${#packages[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null ||
	die "missing ${packages[*]}, and this system has no apt: install OpenCV 4.6 or later with headers, ffmpeg, pkg-config and a C++ compiler"
byhand="as root: apt-get update && apt-get install -y ${packages[*]}"
root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || die "missing ${packages[*]}, and there is no sudo; $byhand"
	root=(sudo)
	# Without a terminal nobody can be asked for a password.
	[ -t 0 ] || root+=(-n)
fi

echo "install-deps: installing ${packages[*]} (some minutes; on a fresh system about 350 MB to fetch and 1.3 GB on disk)" >&2
apt() {
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq \
		-o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
}
install() { apt install -y --no-install-recommends "${packages[@]}"; }
# A fresh system has no package lists, an old one stale ones; else they will do as they are.
if ! install >/dev/null 2>&1; then
	apt update || true # one broken source of many is no reason to stop
	install >/dev/null || die "apt could not install ${packages[*]} (see what it says above); by hand, $byhand"
fi
