#!/bin/sh
# --multipliers in training: exact resume, the saved weights contain them, the clipping norm does
# not.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh

train() { run "$train" --model nano --layers 1 --heads 2 --channels 32 --context 16 --vocab 300 \
  --batch 4 --val-every 2 --val-tokens 512 --threads 2 "$@"; }
same() { cmp -s "$work/$1/latest/model.safetensors" "$work/$2/latest/model.safetensors"; }

for method in muon adamw; do
  a=$work/$method
  train --optimizer $method --multipliers both --multiplier-lr 0.05 --steps 6 --out "$a"
  check "$method: info.txt names the multipliers" grep -q 'row and column multipliers' "$a/info.txt"
  train --optimizer $method --multipliers both --multiplier-lr 0.05 --steps 6 --save-every 3 \
    --keep 3 --out "$a-again"
  rm -r "$a-again/step-000006"
  run "$train" --resume "$a-again"
  check "$method: a resumed run ends with the same bits" same "$method" "$method-again"
  train --optimizer $method --steps 6 --out "$a-none"
  run cmp -s "$a/latest/model.safetensors" "$a-none/latest/model.safetensors"
  check "$method: multipliers change the weights" [ "$code" -eq 1 ]
  # The clipping norm of the first step is that without multipliers.
  for run in "$a" "$a-none"; do awk -F, '$1 == 1 { print $7 }' "$run/log.csv"; done >"$work/norms"
  check "$method: norm of the first gradient" [ "$(sort -u "$work/norms" | wc -l)" -eq 1 ]
done

# The weights in a checkpoint have the loss that the run logged.
train --optimizer muon --multipliers scalar --multiplier-lr 0.05 --steps 4 \
  --out "$work/scalar"
logged=$(tail -n 1 "$work/scalar/log.csv" | cut -d, -f5)
train --init "$work/scalar" --steps 2 --optimizer muon --out "$work/init"
first=$(awk -F, '$1 == 0 { print $5 }' "$work/init/log.csv")
check "loss $logged of the run is $first from its weights" [ "${logged:-run}" = "${first:-init}" ]

answers 2 'has no effect' "$train" --multiplier-lr 0.1 --out "$work/none"
answers 2 'has no effect' "$train" --optimizer demuon --multipliers row --out "$work/none"
answers 2 'has no effect' "$train" --optimizer schedule-free --multipliers row --out "$work/none"
answers 2 'choose one of' "$train" --multipliers rows --out "$work/none"
finish multipliers
