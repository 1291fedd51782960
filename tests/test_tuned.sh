#!/bin/sh
# The tuned settings of run/tuned.c are those that the runs kept in results/nano had: what README's
# table shows is what ./train --optimizer NAME does. Run from the project's root.
set -u

root=$(pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
passed=0
failed=0

# The settings of optimizer and schedule; an auxiliary rate only where something is left to it.
settings() {
  case $2 in
    adamw | lion | sgd) sed -n '/^# optimizer/,$p' "$1" | grep -v '^aux-lr = ' ;;
    *) sed -n '/^# optimizer/,$p' "$1" ;;
  esac
}

mkdir "$work/nano"
tar -xzf "$root/results/nano/runs.tar.gz" -C "$work/nano"
for folder in "$work"/nano/final/*; do
  name=$(basename "$folder")
  # The preset's steps, since a warm-up goes by them, but a network of a moment's time.
  ./train --optimizer "$name" --layers 1 --heads 1 --channels 8 --context 8 --batch 1 --vocab 257 \
    --val-every 0 --save-every 0 --threads 1 --max-seconds 0.01 --out "$work/$name" >/dev/null 2>&1
  settings "$work/$name/config.txt" "$name" >"$work/now"
  for kept in "$folder"/*/*/config.txt; do
    settings "$kept" "$name" >"$work/then"
    if [ -s "$work/now" ] && cmp -s "$work/now" "$work/then"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "FAILED: $name: kept in results/nano, and what it would be now:"
      diff "$work/then" "$work/now"
    fi
  done
done
echo "tuned: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
