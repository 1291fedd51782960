#!/bin/sh
# The rules of the code's structure that a script can check: includes point one way and make no
# cycle, each header compiles alone, only mains and run/progress print, only mains exit.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
libraries='core model optim data run'
passed=0
failed=0

ok() { passed=$((passed + 1)); }

bad() {
  failed=$((failed + 1))
  printf '  FAILED: %s\n' "$1"
}

# none WHAT PATTERN FILES...: no file may match.
none() {
  what=$1
  pattern=$2
  shift 2
  if hits=$(grep -nE "$pattern" "$@" /dev/null); then bad "$what: $hits"; else ok; fi
}

# only WHAT FOUND ALLOWED: the lines of the file FOUND are exactly those of ALLOWED, so that fixed
# violations must be removed from the list.
only() {
  sort -u "$2" >"$work/found"
  sort -u "$3" >"$work/allowed"
  hits=$(comm -23 "$work/found" "$work/allowed")
  if [ -z "$hits" ]; then ok; else bad "$1: $hits"; fi
  hits=$(comm -13 "$work/found" "$work/allowed")
  if [ -z "$hits" ]; then ok; else bad "no longer so, to be removed from the list here: $hits"; fi
}

# A module is a header with its source. In a line "A B" module A includes module B.
module_includes() {
  # shellcheck disable=SC2086
  find $libraries tools -name '*.[ch]' -exec grep -H '^#include "' {} + |
    sed -n 's/\.[ch]:#include "\([^"]*\)\.h".*/ \1/p' | awk '$1 != $2' | sort -u
}

# Except for the lines allowed here, no module includes itself, directly or indirectly.
circles() {
  module_includes >"$work/includes"
  sort >"$work/back" <<'END'
core/reader core/file
run/checkpoint run/run
run/resume run/config
END
  if hits=$(comm -13 "$work/includes" "$work/back" | grep .); then
    bad "no longer included, to be removed from the list here: $hits"
  fi
  hits=$(comm -23 "$work/includes" "$work/back" | tsort 2>&1 >/dev/null)
  if [ -z "$hits" ]; then ok; else bad "a circle of includes: $hits"; fi
}

headers() {
  blas=$(pkg-config --cflags openblas 2>/dev/null)
  # shellcheck disable=SC2086,SC2044
  for header in $(find $libraries tools tests -name '*.h'); do
    if said=$(printf '#include "%s"\n' "$header" |
      ${CC:-cc} -std=c11 -D_GNU_SOURCE -I. $blas -fsyntax-only -x c - 2>&1); then ok
    else bad "$header does not compile alone: $said"; fi
  done
}

# The files listed still print; their output should move to a main or run/progress.
prints() {
  # shellcheck disable=SC2086
  find $libraries tools/*/ -name '*.c' -exec \
    grep -lE '(^|[^_a-zA-Z])((v?printf|puts|putchar|perror) *\(|(stdout|stderr)([^_a-zA-Z]|$))' {} + \
    >"$work/prints"
  cat >"$work/printers" <<'END'
core/memory.c
run/progress.c
run/run.c
run/program.c
run/spectrum_log.c
tools/measure/optimizers.c
tools/measure/step.c
tools/spectra/converge.c
tools/spectra/methods.c
tools/spectra/output.c
tools/spectra/scale.c
END
  only 'prints, and is neither a main, its frame run/program, nor run/progress' "$work/prints" "$work/printers"
}

# Not an error: many modules are tested through others.
modules_without_test() {
  printf 'modules without a test of their name:'
  # shellcheck disable=SC2086
  for source in $(find $libraries -name '*.c' | sort); do
    name=$(basename "$source" .c)
    for test in tests/test_"$name".c tests/test_"$name".sh tests/test_"$name"_double.c; do
      [ -e "$test" ] && continue 2
    done
    printf ' %s' "${source%.c}"
  done
  echo
}

find core model optim data run -name '*.[ch]' >"$work/sources"
of() { grep "^$1/" "$work/sources"; }

# shellcheck disable=SC2046
one_way() {
  none 'core includes a part above it' '#include "(model|optim|data|run|tools|tests)/' $(of core)
  none 'model includes a neighbour' '#include "(optim|data|run|tools|tests)/' $(of model)
  none 'optim includes a neighbour' '#include "(model|data|run|tools|tests)/' $(of optim)
  none 'data includes a neighbour' '#include "(model|optim|run|tools|tests)/' $(of data)
  none 'run includes a program' '#include "(tools|tests)/' $(of run)
  none 'a library exits or aborts' '(^|[^_a-zA-Z])(exit|abort|_Exit) *\(' \
    $(grep -v '^core/memory\.c$' "$work/sources") # it ends the program when memory is gone
  none 'numbers without a check' '(^|[^_a-zA-Z])ato[ifl] *\(' train.c $(cat "$work/sources")
}

one_way
none 'fast math' '^[^#]*(-Ofast|-ffast-math)' Makefile
circles
headers
prints
modules_without_test
echo "structure: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
