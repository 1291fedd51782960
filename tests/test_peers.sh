#!/bin/sh
# tools/bench-peers before it measures anything: wrong options end with 2 and a sentence that helps.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# refuses WORDS OPTION...
refuses() {
  words=$1
  shift
  tools/bench-peers "$@" >"$work/output" 2>&1
  code=$?
  if [ "$code" -eq 2 ] && grep -qF -- "$words" "$work/output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "  FAILED: bench-peers $*: ended with $code, and should say \"$words\":"
    tail -n 5 "$work/output"
  fi
}

mkdir "$work/llm.c"
: >"$work/llm.c/train_gpt2.c"
refuses 'options are written --name value' gpt2
refuses 'there is no option --round' --round 3
refuses '--rounds needs a value' --rounds
refuses '--llmc needs a value' --llmc --python python3
refuses 'a whole number from 1 to 99' --rounds 0
refuses 'a whole number from 1 to 40' --steps=4x
refuses 'a whole number from 1 to 4096' --threads ''
refuses 'text or markdown' --format html
refuses 'they are gpt2 4x64, gpt2 4x256' --only 3x64
refuses 'not an llm.c checkout' --llmc "$work"
refuses 'its train_gpt2 is not built' --llmc "$work/llm.c"
refuses 'there is no program' --python "$work/python"
refuses 'has no PyTorch' --python true
refuses 'NAME=PROGRAM is needed' --peer other
refuses 'there is no program' --peer "other=$work/other"

echo "bench-peers: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
