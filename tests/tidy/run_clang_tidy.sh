#!/usr/bin/env bash
# clang-tidy over our own sources with the flags of a configured build folder; its checks are in .clang-tidy.
# usage: run_clang_tidy.sh [BUILD] [FILE...]     BUILD defaults to build/release, FILEs to all sources
#
# A file that was clean is not looked at again until something it could see changed: its stamp, in
# BUILD/clang_tidy, holds a hash of every header of ours, of .clang-tidy and of the file.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/release}
[ $# -gt 0 ] && shift
[ -e "$build/compile_commands.json" ] || { echo "run_clang_tidy.sh: $build is not configured" >&2; exit 1; }
jobs=${JOBS:-$(nproc)}
stamps=$build/clang_tidy
mkdir -p "$stamps"
headers=$(find .clang-tidy common pool miner \( -name '*.h' -o -name .clang-tidy \) -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)

check() {
  local file=$1 stamp hash
  stamp=$stamps/${file//\//__}
  hash="$headers $(sha256sum <"$file")"
  if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ]; then return 0; fi
  # What only clang warns of, and is none of ours: g++'s flags, RapidJSON's comparisons, ASSERT(!"why").
  if out=$(clang-tidy --quiet -p "$build" --extra-arg=-Wno-unknown-warning-option \
    --extra-arg=-Wreserved-identifier --extra-arg=-Wreserved-macro-identifier \
    --extra-arg=-Wno-ambiguous-reversed-operator --extra-arg=-Wno-string-conversion "$file" 2>/dev/null); then
    printf '%s' "$hash" >"$stamp"
  else
    printf '%s\n' "$file:" "$out"
    return 1
  fi
}
export -f check
export build stamps headers

# $1 is for the inner bash.
# shellcheck disable=SC2016
if [ $# -gt 0 ]; then
  printf '%s\0' "$@"
else
  # Only what this build compiles: a file not named in CMake has no flags.
  find common pool miner -name '*.cpp' -print0 | sort -z | while IFS= read -r -d '' file; do
    if grep -qF "/$file\"" "$build/compile_commands.json"; then printf '%s\0' "$file"; fi
  done
fi | xargs -0 -n 1 -P "$jobs" bash -c 'check "$1"' _ || { echo "clang-tidy: findings above" >&2; exit 1; }
echo "clang-tidy: clean"
