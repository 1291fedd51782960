#!/bin/sh
# The figure of loss against a swept option: a line through the best mean over the seeds of each
# value, and a level line for a method that does not have the option. Tests: tools/report/swept
cd "$(dirname "$0")/.." || exit 1
. tests/shell.sh
tiny='--layers 1 --heads 1 --channels 16 --context 16 --vocab 257 --batch 2 --steps 4 --warmup 1'
cd "$work" || exit 1

# shellcheck disable=SC2086
"$tools/sweep" --optimizers "muon:few muon:svd" --unequal on --tune-seeds 2 --seeds 0 --extend 0 \
  $tiny --val-tokens 64 --val-every 4 --lr 0.02 --muon:few.ns-steps "1 2" \
  --muon:svd.orthogonalize svd --baseline muon:svd --train "$train" --jobs 2 --threads 1 \
  --out runs/swept >out.txt 2>&1
check "a sweep of six runs: $(tail -n 1 out.txt)" grep -q '^done: 6 runs' out.txt
if command -v gnuplot >/dev/null; then
  run "$tools/compare" runs/swept --figures figures
  figure=$(grep -l '>ns-steps<' figures/option-*.svg)
  check "a figure of the option" test -n "$figure"
  check "a curve of the method that has it" grep -q '>muon:few<' "$figure"
  check "a line of the one that has not" grep -q '>muon:svd<' "$figure"
fi
finish swept
