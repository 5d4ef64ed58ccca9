#!/usr/bin/env bash
# Check every shell script with shellcheck.
set -euo pipefail
cd "$(dirname "$0")/../.."
shellcheck -x run .ci/run scripts/*.sh tests/tidy/*.sh
echo "shell: clean"
