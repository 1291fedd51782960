#!/bin/sh
# Each fuzz target for a second, where there is a clang with libFuzzer; `make fuzz` takes longer.
if ! sh tools/deps.sh fuzzer check; then
  echo "fuzz skipped - no clang with libfuzzer here: 0 passed, 0 failed"
  exit 0
fi
make -s run-fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-1}"
