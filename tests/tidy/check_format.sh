#!/usr/bin/env bash
# Check that clang-format (version 14, .clang-format) would change nothing; names the files it would.
set -euo pipefail
cd "$(dirname "$0")/../.."
find common pool miner tests \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 clang-format --dry-run --Werror
echo "format: clean"
