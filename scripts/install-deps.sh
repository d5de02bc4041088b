#!/usr/bin/env bash
# Installs what the build needs from Debian or Ubuntu, if anything is missing.
set -euo pipefail

packages=()
need() { # need PACKAGE COMMAND...: PACKAGE is wanted where COMMAND fails
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || packages+=("$package")
}
need pkg-config command -v pkg-config
need gcc command -v gcc
need g++ command -v g++
need ffmpeg command -v ffprobe
need libopencv-dev pkg-config --exists opencv4
[ ${#packages[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "install-deps: missing ${packages[*]}, and this system has no apt: install OpenCV 4.6 or later with headers, ffmpeg, pkg-config and a C++ compiler" >&2
	exit 1
fi
root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "install-deps: missing ${packages[*]}; run as root: apt-get install -y ${packages[*]}" >&2
		exit 1
	fi
	root=(sudo)
fi
echo "installing ${packages[*]}" >&2
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"; }
apt update
apt install -y --no-install-recommends "${packages[@]}" >/dev/null
