#!/bin/sh
# Fetch the ONNX Runtime library into .deps/onnxruntime/.
#
# The library is the one that the npm package onnxruntime-node carries (MIT,
# Microsoft); the version and the hash are pinned. spineflex finds it there by
# itself. Without it spineflex still works, on OpenCV's slower DNN engine, so
# having no npm or no network is a notice here and not a failure; a file with
# the wrong hash is a failure.
#
# Usage: scripts/fetch-onnxruntime.sh [FOLDER]   (default .deps/onnxruntime)
set -eu

version=1.30.0
case "$(uname -s)-$(uname -m)" in
Linux-x86_64 | Linux-amd64)
	arch=x64
	sum=ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23
	;;
Linux-aarch64 | Linux-arm64)
	arch=arm64
	sum=1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76
	;;
*)
	echo "fetch-onnxruntime: no pinned library for $(uname -s) $(uname -m); spineflex will use OpenCV DNN" >&2
	exit 0
	;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$root/.deps/onnxruntime}
lib=$dir/libonnxruntime.so.1

matches() { echo "$sum  $1" | sha256sum --check --status 2>/dev/null; }

if [ -f "$lib" ] && matches "$lib"; then
	exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
	echo "fetch-onnxruntime: npm not found; spineflex will use OpenCV DNN (about 3 times slower). To get ONNX Runtime: sudo apt-get install -y npm && make onnxruntime" >&2
	exit 0
fi

mkdir -p "$dir"
tmp=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

echo "fetch-onnxruntime: fetching ONNX Runtime $version ($arch)" >&2
if ! (cd "$tmp" && npm pack --silent --ignore-scripts "onnxruntime-node@$version" >/dev/null); then
	echo "fetch-onnxruntime: npm could not fetch onnxruntime-node@$version; spineflex will use OpenCV DNN until it can" >&2
	exit 0
fi
inside=package/bin/napi-v6/linux/$arch/libonnxruntime.so.1
tar -xzf "$tmp/onnxruntime-node-$version.tgz" -C "$tmp" "$inside"
if ! matches "$tmp/$inside"; then
	echo "fetch-onnxruntime: $inside of onnxruntime-node@$version does not have the pinned SHA-256; not installed" >&2
	exit 1
fi
chmod 644 "$tmp/$inside"
mv -f "$tmp/$inside" "$lib"
echo "fetch-onnxruntime: $lib" >&2
