#!/bin/sh
# The tuned settings of run/tuned.c are those of the runs in results/nano, so that the README's
# table shows what ./train --optimizer NAME does. Run from the project's root.
. tests/shell.sh

# differences THEN NOW: settings of optimizer and schedule with different values in the two
# config.txt. A setting in only one of them has no effect or is of another version of the program.
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
  # The preset's steps, since the warm-up depends on them, but a tiny network.
  ./train --optimizer "$name" --layers 1 --heads 1 --channels 8 --context 8 --batch 1 --vocab 257 \
    --val-every 0 --threads 1 --max-seconds 0.01 --out "$work/$name" >/dev/null 2>&1
  for kept in "$folder"/*/*/config.txt; do
    differences "$kept" "$work/$name/config.txt" >"$work/differences"
    if [ ! -s "$work/differences" ]; then ok "$name"
    else bad "$name: kept in results/nano with $(tr '\n' ';' <"$work/differences")"; fi
  done
done
finish tuned
