#!/bin/sh
# The rules of the code's structure that a script can check: includes point one way and make no
# cycle, each header compiles alone, only mains and run/progress print, only mains exit, each module
# has a test.
cd "$(dirname "$0")/.." || exit 1
. tests/shell.sh
libraries='core model optim data run'

ok() { passed=$((passed + 1)); }

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

# No module includes itself, directly or indirectly.
circles() {
  hits=$(module_includes | tsort 2>&1 >/dev/null)
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
run/program.c
tools/measure/optimizers.c
tools/measure/ranks.c
tools/measure/step.c
tools/spectra/frame.c
END
  only 'prints, and is neither a main, its frame run/program, nor run/progress' \
    "$work/prints" "$work/printers"
}

# A module is tested by tests/test_NAME, by a test whose first comment has "Tests:" and the module,
# or, a method, by its steps in tests/golden.
modules_have_tests() {
  head -n 6 tests/test_*.c tests/test_*.sh | tr ' ' '\n' >"$work/named"
  # shellcheck disable=SC2086
  for module in $(find $libraries -name '*.c' | sed 's/\.c$//' | sort); do
    name=$(basename "$module")
    for test in "test_$name.c" "test_$name.sh" "test_${name}_double.c" \
      "golden/$(echo "$name" | tr _ -).txt.gz"; do
      [ -e "tests/$test" ] && ok && continue 2
    done
    if grep -qxF "$module" "$work/named"; then ok; else bad "$module has no test"; fi
  done
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
modules_have_tests
finish structure
