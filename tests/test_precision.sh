#!/bin/sh
# A training run in each precision on each path that this computer has against float32's losses, and
# a run that continues in another precision.
. tests/shell.sh
cd "$work" || exit 1
write_tiny tiny 12

# final_loss RUN: the training loss of the last step.
final_loss() {
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } END { print $at["train_loss"] }' \
    "$1/log.csv"
}

# near A B LIMIT
near() {
  awk -v a="$1" -v b="$2" -v limit="$3" 'BEGIN { d = a - b; exit !(d * d <= limit * limit) }'
}

# The rounding of bfloat16 changes a loss of 5 by a few hundredths at most, bf16x3's does not show.
paths() {
  run "$train" @tiny --optimizer muon --out fp32
  check 'fp32 trains' [ "$code" -eq 0 ]
  check 'fp32 names no path' grep -qx 'precision = fp32' fp32/info.txt
  check 'info.txt names the data' grep -q '^data = .*tokens' fp32/info.txt
  for path in sgemm avx512-bf16 amx; do
    export POLAR_PRECISION_PATH="$path"
    run "$train" @tiny --optimizer muon --precision bf16 --out "bf16-$path"
    if says 'this computer cannot execute it'; then
      echo "skipped: $path: this computer cannot execute it"
      continue
    fi
    check "bf16 trains on the path $path" \
      near "$(final_loss fp32)" "$(final_loss "bf16-$path")" 0.03
    check 'info.txt names the path' grep -qxF "precision = bf16 (path $path)" "bf16-$path/info.txt"
    run "$train" @tiny --optimizer muon --precision bf16x3 --out "x3-$path"
    check "bf16x3 trains on the path $path" \
      near "$(final_loss fp32)" "$(final_loss "x3-$path")" 0.001
    answers 0 'val' "$tools/evaluate" --from "bf16-$path" --precision bf16
  done
  unset POLAR_PRECISION_PATH
}

# The change is in the config, in info.txt and on the screen; the losses change by rounding only.
resumes() {
  answers 0 'changed: ' "$train" --resume fp32 --steps 14 --precision bf16
  check 'the screen names the change' prints 'precision fp32 -> bf16'
  check 'config.txt has the new precision' grep -qx 'precision = bf16' fp32/config.txt
  check 'info.txt has the change' grep -q '^resumed = .*precision fp32 -> bf16' fp32/info.txt
}

refuses() {
  answers 2 'choose one of fp32|bf16|bf16x3' "$train" @tiny --precision fp8 --out refused
  answers 2 '--optimizer-precision has no effect' "$train" @tiny --optimizer-precision bf16 \
    --out refused
  POLAR_PRECISION_PATH=gpu answers 1 'POLAR_PRECISION_PATH=gpu: not a path' "$train" @tiny \
    --out refused
  run "$train" @tiny --optimizer muon --optimizer-precision bf16 --out own
  check 'the optimizer has its own precision' \
    grep -q '^precision = fp32, of the optimizer bf16 (path ' own/info.txt
}

for part in paths resumes refuses; do "$part"; done
finish precision
