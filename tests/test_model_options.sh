#!/bin/sh
# The model options on the command line: resuming with dropout, what --init takes over, what is
# refused. Tests: run/config run/resume
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
write_tiny "$work/tiny" 6
options='--dropout 0.3 --bias off --gelu exact --tie off --init-sd 0.05'

# shellcheck disable=SC2086
tiny() { run "$train" "@$work/tiny" $options "$@"; }

losses() { cut -d, -f1,2,4-7 "$1/log.csv"; }
same_losses() { [ "$(losses "$1")" = "$(losses "$2")" ]; }
other_losses() { ! same_losses "$1" "$2"; }

tiny --save-every 3 --keep 9 --out "$work/whole"
check 'trains with all model options' [ "$code" -eq 0 ]
cp -r "$work/whole" "$work/half"
run "$train" --resume "$work/half/step-000003"
check 'a resumed run has the same masks' same_losses "$work/half" "$work/whole"
tiny --seed 2 --out "$work/seed"
check 'another seed has others' other_losses "$work/seed" "$work/whole"
run "$train" "@$work/tiny" --out "$work/plain"
run "$train" "@$work/tiny" --dropout 0.3 --out "$work/dropped"
check 'dropout changes the loss' other_losses "$work/plain" "$work/dropped"
answers 2 'cannot change this option' "$train" --resume "$work/half" --dropout 0.1 --steps 9
answers 2 'has no effect with --init' "$train" --init "$work/half" --init-sd 0.1
answers 2 '0 to 0.9 is allowed' "$train" --dropout 1

run "$train" --init "$work/half" --batch 2 --steps 1 --val-tokens 64 --out "$work/more"
for option in 'bias = off' 'gelu = exact' 'tie = off' 'dropout = 0'; do
  check "--init: $option" grep -qx "$option" "$work/more/config.txt"
done
answers 1 'no biases (--bias off)' \
  "$tools/convert" --from "$work/half" --to "$work/x" --format llm.c
run "$tools/convert" --from "$work/half" --to "$work/folder"
check 'config.json keeps the options' \
  grep -q '"activation_function": "gelu"' "$work/folder/config.json"
check 'config.json keeps the dropout' grep -q '"resid_pdrop": 0.3' "$work/folder/config.json"
run "$tools/generate" --from "$work/folder" --prompt a --tokens 3
check 'generates with all model options' [ "$code" -eq 0 ]
run "$train" "@$work/tiny" --tie off --optimizer scion --out "$work/scion"
check 'scion takes an untied head' grep -q 'lm_head.*scion' "$work/scion/info.txt"
check 'and leaves the embedding' grep -q 'wte.*auxiliary adamw' "$work/scion/info.txt"
finish 'model options on the command line'
