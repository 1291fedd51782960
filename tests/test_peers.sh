#!/bin/sh
# tools/bench-peers without measuring: wrong options end with 2 and a sentence that helps; then its
# table, where everything that it runs is a stand-in that says how fast it is.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

bench=tools/bench-peers

# says CODE WORDS OPTION...: it ends with the code and prints the words.
says() {
  wanted=$1
  words=$2
  shift 2
  "$bench" "$@" >"$work/output" 2>&1
  code=$?
  if [ "$code" -eq "$wanted" ] && grep -qF -- "$words" "$work/output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "  FAILED: bench-peers $*: ended with $code, not with $wanted and \"$words\":"
    tail -n 12 "$work/output"
  fi
}

# stand_in FILE LINE...: a program of that name, for this test alone.
stand_in() {
  file=$work/$1
  shift
  printf '%s\n' '#!/bin/sh' "$@" >"$file"
  chmod +x "$file"
}

wrong_options() {
  mkdir "$work/unbuilt"
  : >"$work/unbuilt/train_gpt2.c"
  says 0 'tools/bench-peers --python python3' --help
  says 2 'options are written --name value' gpt2
  says 2 'there is no option --round' --round 3
  says 2 '--rounds needs a value' --rounds
  says 2 '--llmc needs a value' --llmc --python python3
  says 2 'a whole number from 1 to 99' --rounds 0
  says 2 'a whole number from 1 to 40' --steps=4x
  says 2 'a whole number from 1 to 4096' --threads ''
  says 2 'text or markdown' --format html
  says 2 'they are gpt2 4x64, gpt2 4x256' --only 3x64
  says 2 'not an llm.c checkout' --llmc "$work"
  says 2 'its train_gpt2 is not built' --llmc "$work/unbuilt"
  says 2 'there is no program' --python "$work/python"
  says 2 'has no PyTorch' --python true
  says 2 'NAME=PROGRAM is needed' --peer other
  says 2 'there is no program' --peer "other=$work/other"
}

# Ours takes 0.5 s a step, llm.c's 2 s, the other 1 s; the first step of each is slower. At 4 x 64
# that makes 512, 128 and 256 tokens per second.
# shellcheck disable=SC2016
stand_ins() {
  mkdir -p "$work/house/tools" "$work/house/data" "$work/llm.c"
  cp tools/bench-peers "$work/house/tools"
  echo text | gzip >"$work/house/data/austen.txt.gz"
  stand_in house/train 'while [ $# -gt 0 ]; do' \
    '  case $1 in --out) out=$2 ;; --steps) steps=$2 ;; esac; shift 2; done' \
    'mkdir -p "$out" && echo step,tokens,seconds,train_loss >"$out/log.csv"' \
    'seq "$steps" | awk "{ print \$1 \",0,\" 3 + \$1 / 2 \",10.9\" }" >>"$out/log.csv"'
  stand_in house/tools/tokenize 'echo tokens >"${4}_000000.bin"'
  stand_in house/tools/convert 'ls "$2/log.csv" >"$6"'
  : >"$work/llm.c/train_gpt2.c"
  stand_in llm.c/train_gpt2 'cat gpt2_124M.bin dev/data/tinyshakespeare/*_val.bin >&2 || exit' \
    'echo "step 0: train loss 10.9 (took 9000.0 ms)"; echo "val loss 10.8"' \
    'while echo "step 1: train loss 10.8 (took 2000.0 ms)"; do echo >>"$0.lines"; sleep 0.1; done'
  stand_in other 'echo 5 10.7; for step in $(seq 2 "$7"); do echo 1 10.6; done'
  stand_in easier 'for step in $(seq "$7"); do echo 1 3.2; done'
  stand_in short 'echo 1 10.8'
  stand_in broken 'echo out of luck >&2; exit 3'
}

tables() {
  bench=$work/house/tools/bench-peers
  set -- --only 4x64 --rounds 2 --steps 3
  says 0 '| gpt2 4x64 | polar.c | 512 | 0 % | 1.00 |' "$@" --format markdown
  says 0 '| gpt2 4x64 | the other | 256 | 0 % | 2.00 |' "$@" --format markdown \
    --peer "the other=$work/other"
  says 0 'the first loss is 3.200, ln V is 10.825' "$@" --peer "easier=$work/easier"
  says 1 'did not print 4 lines' "$@" --peer "short=$work/short"
  says 1 'out of luck' "$@" --peer "broken=$work/broken"
  if command -v stdbuf >/dev/null; then
    says 0 '| gpt2 4x64 | llm.c | 128 | 0 % | 4.00 |' "$@" --format markdown --llmc "$work/llm.c"
    lines=$(wc -l <"$work/llm.c/train_gpt2.lines")
    if [ "$lines" -lt 20 ]; then passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "  FAILED: llm.c's program went on for $lines steps"
    fi
  fi
  says 0 '6x384 4x256' --only 6x384 --rounds 1
}

wrong_options
stand_ins
tables
echo "bench-peers: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
