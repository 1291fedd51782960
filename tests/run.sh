#!/bin/sh
# run.sh TEST...: runs each test program or script; the last line counts all of their checks.
# $RUN is put before each program: an emulator, for example.
set -u
export OMP_WAIT_POLICY=passive UBSAN_OPTIONS=print_stacktrace=1
passed=0
failed=0

# Runs the command, adds the counts of its "NAME: N passed, N failed". Without that line it failed.
count() {
  name=$1
  shift
  output=$("$@" 2>&1)
  code=$?
  line=$(printf '%s\n' "$output" | grep -E '^[a-z0-9_. -]+: [0-9]+ passed, [0-9]+ failed$' | tail -n 1)
  p=$(printf '%s' "$line" | sed 's/.*: \([0-9]*\) passed.*/\1/')
  f=$(printf '%s' "$line" | sed 's/.*passed, \([0-9]*\) failed/\1/')
  if [ -z "$line" ] || { [ "$code" -ne 0 ] && [ "$f" = 0 ]; }; then
    printf '%s\n' "$output" | tail -n 40
    echo "$name: stopped with exit code $code"
    failed=$((failed + 1))
    return
  fi
  [ "$f" = 0 ] || printf '%s\n' "$output"
  [ "$f" = 0 ] && printf '%s\n' "$line"
  passed=$((passed + p))
  failed=$((failed + f))
}

# shellcheck disable=SC2086
for test in "$@"; do
  case $test in
    *.sh) count "$test" sh "$test" ;;
    *) count "$test" ${RUN:-} "$test" ;;
  esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
