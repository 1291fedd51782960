#!/bin/sh
# Each fuzz target for a second, where there is a clang with libFuzzer; `make fuzz` takes longer.
printf 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }\n' > build/probe.c
if ! clang -fsanitize=fuzzer build/probe.c -o build/probe 2> /dev/null; then
  echo "no clang with libFuzzer here"
  echo "fuzz: 0 passed, 0 failed"
  exit 0
fi
make -s fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-1}"
