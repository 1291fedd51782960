#!/bin/sh
# tools/problem and tools/spectrum gradients from the command line.
cd "$(dirname "$0")/.." || exit 1
. tests/shell.sh
out=$work/problem

answers 2 'use memory or noise' tools/problem
answers 1 'did you mean muon' tools/problem memory --optimizers muom
answers 1 'at least 0.5' tools/problem noise --degrees 1.5,x
answers 1 'from is required' tools/spectrum gradients

# Muon with exact orthogonalization learns all groups at the same step (211 +- 5); gradient descent
# needs the ratio of the frequencies, 4, more steps for each.
if command -v gnuplot >/dev/null; then
  answers 0 memory tools/problem memory --size 32 --out "$out" --format svg
  awk -F, 'NR > 1 && $6 >= 0.5 && !(($1, $3) in half) { half[$1, $3] = $2 }
    END {
      for (key in half) { split(key, part, SUBSEP); name[part[1]] }
      for (m in name) {
        ratio = half[m, 4] / half[m, 1]
        if (m ~ /muon/ ? ratio > 1.2 || ratio < 0.9 : ratio < 30) exit 1
        methods++
      }
      exit methods != 2
    }' "$out/memory.csv"; check 'when the groups are learned' test $? -eq 0
  answers 0 'adamw' tools/problem noise --optimizers 'adamw msgd' --degrees 1.5,inf --rows 8 \
    --cols 8 --target-rank 2 --steps 20 --seeds 1 --out "$out"
  run=$out/run
  answers 0 '' ./train --layers 1 --heads 1 --channels 16 --context 16 --vocab 257 --batch 2 \
    --steps 4 --val-every 0 --save-every 2 --optimizer muon --out "$run"
  answers 0 'mlp.c_proj' tools/spectrum gradients --from "$run/step-000002 $run" --batches 8 \
    --out "$out"
  # The shares of all directions add up to 1.
  awk -F, 'NR > 1 && $3 == 16 { n++; off += $4 < 0.9999 || $4 > 1.0001 }
    END { exit off || n != 12 }' \
    "$out/gradients.csv"; check 'shares of the directions' test $? -eq 0
  check 'a figure' test -s "$out/gradients-tail.png"
fi
finish problem
