#!/bin/sh
# When a run saves, its output, and when it counts as diverged. Run from the project's root.
. tests/shell.sh
write_tiny "$work/tiny" 8
cd "$work" || exit 1

trains() { run "$train" @tiny "$@"; }

# until_true COMMAND...: waits for at most 60 seconds.
until_true() {
  tries=0
  until "$@" || [ "$tries" -ge 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
}

# ---- SIGUSR1 and the clock ----

start_long() {
  "$train" @tiny --steps 100000000 --val-every 0 --out "$1" "$2" "$3" >stdout 2>stderr </dev/null &
  child=$!
  children="$children $child"
  until_true grep -q '^step 1/' stdout
}

signal_saves() {
  start_long usr1 --keep 1
  check "nothing is saved yet" [ ! -e usr1/latest ]
  kill -USR1 "$child"
  until_true [ -s usr1/latest/state.safetensors ]
  check "SIGUSR1 saves" [ -s usr1/latest/state.safetensors ]
  check "and training continues" kill -0 "$child"
  kill -TERM "$child"
  wait "$child"
  code=$?
  check "until it is stopped" [ "$code" -eq 130 ]
}

clock_saves() {
  start_long minutes --save-minutes 0.001
  until_true [ -s minutes/latest/state.safetensors ]
  check "--save-minutes saves" [ -s minutes/latest/state.safetensors ]
  kill -TERM "$child"
  wait "$child"
}

# ---- the best checkpoint ----

# Steps with their validation losses, the lowest first.
lowest() {
  awk -F, 'NR > 1 && $1 > 0 && $5 != "" { print $5, $1 }' "$1/log.csv" | sort -g |
    sed -n 's/.* //p;q'
}

keeps_best() {
  # A rate that is too large near its peak: the last validation is not the best.
  trains --out best --steps 40 --val-every 4 --lr 0.3 --schedule constant --keep 1 --keep-best on
  step=$(lowest best)
  check "the run ends" [ "$code" -eq 0 ]
  check "the best is not the last (step $step)" [ "$step" -lt 40 ]
  check "best is the step with the lowest loss" \
    [ "$(readlink best/best)" = "$(printf 'step-%06d' "$step")" ]
  check "it is kept beside the newest" [ "$(find best -name 'step-*' | wc -l)" -eq 2 ]
  check "and is complete" [ -s best/best/state.safetensors ]
  run "$train" --resume best --steps 41
  check "a resumed run keeps it" [ -s best/best/state.safetensors ]
  run "$tools/generate" --from best/best --tokens 3
  check "tools read it: $(output)" [ "$code" -eq 0 ]
  trains --out best --overwrite on
  check "a new run in the folder removes it" [ ! -e best/best ]
}

# ---- what is printed ----

header() {
  trains --out header
  check "four lines before the first step" [ "$(grep -n '^step 0/' stdout | cut -d: -f1)" -eq 5 ]
  check "threads and OpenBLAS" \
    grep -qE '^header: 1 thread, OpenBLAS [0-9.]+ \([A-Za-z0-9]+\), fp32$' stdout
  check "epochs" prints \
    "8 steps of 32 tokens: 7.2e-05 epochs; adamw, tuned for nano, used here with other vocabulary, sizes"
  check "the time that is left" grep -qE '^step 2/8 .* [0-9]+s left$' stdout
  trains --out header --overwrite on --verbose on
  check "--verbose prints the table" prints "attn.c_attn.weight"
  check "which is in info.txt" grep -q "attn.c_attn.weight" header/info.txt
  trains --out header --overwrite on --progress quiet
  check "--progress quiet prints nothing" [ ! -s stdout ]
  trains --out header --overwrite on --progress bar
  check "the bar keeps the lines with validation losses" \
    [ "$(tr '\r' '\n' <stdout | grep -c 'val loss')" -eq 5 ]
  yes abc | head -c 20000 >abc.txt
  trains --out epochs --data abc.txt --steps 100 --val-every 0
  check "many epochs" prints "100 steps of 32 tokens: 0.18 epochs"
}

tuned() {
  run "$train" --max-seconds 0.001 --val-every 0 --keep 0 --out tuned
  check "nano as it was tuned" grep -q '; adamw, tuned for nano$' stdout
  run "$train" --max-seconds 0.001 --val-every 0 --keep 0 --out tuned2 --data abc.txt --steps 301
  check "on other data" grep -q '; adamw, tuned for nano, used here with other data, steps$' stdout
}

# ---- longer runs ----

extended() {
  trains --out longer --schedule linear --lr 0.01
  run "$train" --resume longer --steps 16
  check "the jump of the rate is printed" prints \
    "extended after step 8 from 8 to 16 steps: the learning rate goes from 0.00125 to 0.005"
  check "and recorded" grep -q '^extended = after step 8 from 8 to 16 steps' longer/info.txt
  run "$train" --resume longer
  check "a run that is not extended says nothing" [ "$(grep -c extended stdout)" -eq 0 ]
}

# ---- divergence ----

explodes() {
  trains --out exploded --lr 1000 --clip 0 --optimizer sgd --steps 60
  check "an exploded loss is a divergence: $(output)" [ "$code" -eq 3 ]
  check "info.txt says so" grep -q '^result = .*diverged' exploded/info.txt
  trains --out high --lr 3 --steps 60
  check "a loss that is too high at the end is one: $(tail -n 1 high/log.csv)" [ "$code" -eq 3 ]
  check "the message has the limit" says "above 11.1 = 2 ln V (V = 257 tokens)"
  trains --out spike --lr 3 --steps 60 --schedule linear --warmup 0 --val-every 20
  check "no checkpoint of it is saved" [ ! -e high/latest ]
}

for part in signal_saves clock_saves keeps_best header tuned extended explodes; do "$part"; done
finish saving
