#!/bin/sh
# run.sh SECONDS TARGET...: runs each fuzz target for that time, from the seeds in
# tests/fuzz/corpus/TARGET. New inputs go to build/fuzz/found; those that crash are kept there.
set -u
seconds=$1
shift
passed=0
failed=0
mkdir -p build/fuzz/found
for target in "$@"; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  if output=$("build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -max_len=8192 \
      -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$PWD/build/fuzz/found/$target-" \
      "$PWD/$corpus" "$PWD/tests/fuzz/corpus/$target" 2>&1); then
    passed=$((passed + 1))
    runs=$(printf '%s\n' "$output" | sed -n 's/^stat::number_of_executed_units: *//p')
    echo "  $target: $runs inputs in $seconds s"
  else
    failed=$((failed + 1))
    printf '%s\n' "$output" | tail -n 40
    echo "  FAILED: $target: the input is in build/fuzz/found"
  fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
