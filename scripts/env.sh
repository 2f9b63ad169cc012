# Sourced by the other scripts: where the project is, and the Node that it uses.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JOBS=$(nproc)
export ROOT JOBS LC_ALL=C.UTF-8

say() { printf '\n==> %s\n' "$*"; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 3
}

node_is_recent() { [[ $("$1" -p 'process.versions.node.split(".")[0] >= 20' 2>/dev/null) == true ]]; }

# Node of the machine when it is 20 or newer; otherwise the one that install-deps puts in build/node.
if ! node_is_recent node && [[ -d $ROOT/build/node/node_modules/.bin ]]; then
  PATH="$ROOT/build/node/node_modules/.bin:$PATH"
fi

# Reports of the sanitizers name functions and lines.
if [[ -x /usr/bin/llvm-symbolizer-19 ]]; then
  export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
  export TSAN_OPTIONS="external_symbolizer_path=/usr/bin/llvm-symbolizer-19:halt_on_error=1:second_deadlock_stack=1"
fi
export UBSAN_OPTIONS=print_stacktrace=1
