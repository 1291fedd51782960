#!/bin/sh
# --optimizer schedule-free: it evaluates and saves other weights than it trains. Run from the
# project's root.
. tests/shell.sh
write_tiny "$work/tiny" 8
cd "$work" || exit 1

trains() { run "$train" @tiny --optimizer schedule-free --lr 0.03 "$@"; }
losses() { tail -n +2 "$1/log.csv" | cut -d, -f1,4,5,7; }

trains --out whole
check "it trains with a constant rate: $(output)" grep -q '^schedule = constant' whole/config.txt
trains --steps 4 --out parts
run "$train" --resume parts --steps 8
losses whole >left
losses parts >right
check 'a resumed run has the same losses, bit by bit' cmp -s left right
check 'and the same model' cmp -s whole/latest/model.safetensors parts/latest/model.safetensors

trains --val-every 0 --sample-every 0 --keep 0 --out blind
losses whole | cut -d, -f1,2,4 | tail -n +2 >left
losses blind | cut -d, -f1,2,4 >right
check 'validation and saving do not change the training' cmp -s left right

run "$train" @tiny --init whole --optimizer adamw --steps 1 --val-every 1 --out from-whole
check 'the checkpoint has the weights that were validated' \
  [ "$(losses from-whole | head -n 1 | cut -d, -f3)" = "$(losses whole | tail -n 1 | cut -d, -f3)" ]

for schedule in wsd cosine linear; do
  answers 2 'use --schedule constant' "$train" @tiny --optimizer schedule-free \
    --schedule $schedule --out none
done
check 'nothing is written' [ ! -e none ]
trains --model shakespeare --warmup 2 --steps 3 --out shakespeare --layers 1
check "another preset's schedule is not used: $(output)" [ "$code" -eq 0 ]
finish schedule_free
