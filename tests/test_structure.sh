#!/bin/sh
# The house's rules that a grep can check: includes point one way, only programs print and exit.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0

# none WHAT PATTERN FILES...: no file may match.
none() {
  what=$1
  pattern=$2
  shift 2
  if hits=$(grep -nE "$pattern" "$@" /dev/null); then
    failed=$((failed + 1))
    printf '  FAILED: %s:\n%s\n' "$what" "$hits"
  else
    passed=$((passed + 1))
  fi
}

none 'core includes a part above it' '#include "(model|optim|data|run|tools|tests)/' core/*.[ch]
none 'model includes a neighbour' '#include "(optim|data|run|tools|tests)/' model/*.[ch] \
  model/formats/*.[ch]
none 'optim includes a neighbour' '#include "(model|data|run|tools|tests)/' optim/*.[ch]
none 'data includes a neighbour' '#include "(model|optim|run|tools|tests)/' data/*.[ch]
none 'run includes a program' '#include "(tools|tests)/' run/*.[ch]
none 'a library exits or aborts' '(^|[^_a-zA-Z])(exit|abort|_Exit) *\(' \
  core/*.c model/*.c model/formats/*.c optim/*.c data/*.c run/*.c
none 'a library prints' '(^|[^_a-zA-Z])(printf|puts|putchar|fprintf\(stderr) *\(' \
  core/*.c model/*.c model/formats/*.c optim/*.c data/*.c
none 'numbers without a check' '(^|[^_a-zA-Z])ato[ifl] *\(' ./*.c core/*.c model/*.c \
  model/formats/*.c optim/*.c data/*.c run/*.c
none 'fast math' '^[^#]*(-Ofast|-ffast-math)' Makefile

echo "structure: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
