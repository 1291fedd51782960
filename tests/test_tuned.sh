#!/bin/sh
# The tuned settings of run/tuned.c are those of the runs kept in results/nano: the table shows what
# ./train --optimizer NAME does. Run from the project's root.
set -u

root=$(pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
passed=0
failed=0

# same NOW THEN: the settings of optimizer and schedule that both files have are the same, and there
# are some. Sections and new options do not matter.
same() {
  sed '1,/^# optimizer/d' "$2" | awk -F ' = ' '
    NR == FNR { now[$1] = $2; next }
    NF == 2 && $1 in now { both++; if (now[$1] != $2) { print; differs = 1 } }
    END { exit differs || both < 3 }' "$1" -
}

mkdir "$work/nano"
tar -xzf "$root/results/nano/runs.tar.gz" -C "$work/nano"
for folder in "$work"/nano/final/*; do
  name=$(basename "$folder")
  case $name in *:*) continue ;; esac # a variant of a method
  # The preset's steps, since a warm-up goes by them, but a network of a moment's time.
  ./train --optimizer "$name" --layers 1 --heads 1 --channels 8 --context 8 --batch 1 --vocab 257 \
    --val-every 0 --save-every 0 --threads 1 --max-seconds 0.01 --out "$work/$name" >/dev/null 2>&1
  for kept in "$folder"/*/*/config.txt; do
    if same "$work/$name/config.txt" "$kept"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "FAILED: $name: the settings above, kept in results/nano, are not today's"
    fi
  done
done
echo "tuned: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
