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

# differences THEN NOW: settings of optimizer and schedule that both config.txt have, with different
# values. One that only one of them has has no effect, or is of another version of the program.
differences() {
  awk -F ' = ' '
    FNR == 1 { file++; part = 0 }
    /^# optimizer/ { part = 1 }
    !part || NF < 2 { next }
    file == 1 { then[$1] = $2 }
    file == 2 && ($1 in then) { both++; if (then[$1] != $2) print $1 ": " then[$1] ", now " $2 }
    END { if (both < 3) print "only " both " settings in common" }' "$1" "$2"
}

mkdir "$work/nano"
tar -xzf "$root/results/nano/runs.tar.gz" -C "$work/nano"
for folder in "$work"/nano/final/*; do
  name=$(basename "$folder")
  case $name in *:*) continue ;; esac # a variant of a method
  # The preset's steps, since a warm-up goes by them, but a network of a moment's time.
  ./train --optimizer "$name" --layers 1 --heads 1 --channels 8 --context 8 --batch 1 --vocab 257 \
    --val-every 0 --threads 1 --max-seconds 0.01 --out "$work/$name" >/dev/null 2>&1
  for kept in "$folder"/*/*/config.txt; do
    differences "$kept" "$work/$name/config.txt" >"$work/differences"
    if [ ! -s "$work/differences" ]; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "FAILED: $name: kept in results/nano with $(tr '\n' ';' <"$work/differences")"
    fi
  done
done
echo "tuned: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
