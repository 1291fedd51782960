#!/bin/sh
# Results against one option, from runs whose losses follow known laws. Tests: report/trend
. tests/shell.sh
cd "$work" || exit 1
scaling=$tools/scaling

# run_of FOLDER METHOD STEPS SEED LOSS [LR]: a finished run that goes from 8 to this loss, with 5
# halfway.
run_of() {
  mkdir -p "$1"
  printf 'optimizer = %s\nsteps = %s\nseed = %s\nlr = %s\n' "$2" "$3" "$4" "${6:-0.1}" \
    >"$1/config.txt"
  echo 'result = finished' >"$1/info.txt"
  {
    printf '%s,' step tokens seconds train_loss val_loss lr grad_norm forward_ms backward_ms
    echo optimizer_ms,tokens_per_s
    echo '0,0,0,,8,,,,,,'
    echo "$(($3 / 2)),$(($3 * 500)),1,,5,0.1,1,1,1,1,1"
    echo "$3,$(($3 * 1000)),2,,$5,0.1,1,1,1,1,1"
  } >"$1/log.csv"
}

# Losses 2 D^-0.5 + 1, where muon needs two thirds of adamw's tokens; seeds differ by a constant.
laws() {
  for steps in 1000 2000 4000 8000 16000; do
    for seed in 1 2 3; do
      for method in adamw muon; do
        factor=1
        [ $method = adamw ] || factor=1.5
        loss=$(awk "BEGIN { print 2 / sqrt($factor * $steps / 1000) + 1 + $seed / 1000 }")
        run_of "laws/$method-$steps-$seed" $method $steps $seed "$loss"
      done
    done
  done
}

# cell ROW COLUMN: of the table in csv.
cell() { awk -F, -v row="$1" -v column="$2" '$1 == row { print $column; exit }' "$work/stdout"; }

# near VALUE WANT ROOM
near() { awk "BEGIN { off = $1 - ($2); exit !(off <= $3 && off >= -$3) }"; }

against_steps() {
  laws
  run "$scaling" laws --format csv
  check "mean loss: $(cell adamw 3)" near "$(cell adamw 3 | cut -d' ' -f1)" 2.4162 1e-3
  check "interval over three seeds: $(cell adamw 3)" grep -q '2.4162 +- 0.0025' "$work/stdout"
  check "exponent: $(cell adamw 8)" near "$(cell adamw 8)" 0.5 0.002
  check "limit: $(cell adamw 9)" near "$(cell adamw 9)" 1.002 0.002
  check "factor of muon: $(cell muon 7)" near "$(cell muon 7)" 1.633 0.005
  last=$(awk -F, '$1 == "muon" { row = $3 " " $6; none = $2 }
    END { print row none }' "$work/stdout")
  # shellcheck disable=SC2016
  check "speed-ups near 1.5, none at the shortest: $last" \
    sh -c 'echo "$1" | grep -q "^1\.4[0-9] [^ ]* [^ ]* 1\.4[0-9] +- [0-9.e-]*$"' - "$last"
  run "$scaling" laws --baseline muon --format csv
  check "another baseline: $(grep -c . "$work/stdout")" grep -q '^muon,.*,1 +- 0' "$work/stdout"
  run "$scaling" laws --value tokens --target 5 --format csv
  check "tokens to a target" test "$(cell muon 2)" = '5e+05 +- 0'
  run "$scaling" laws --value steps --target 5 --format csv
  check "steps to a target" test "$(cell muon 2)" = '500 +- 0'
}

# A sweep at two widths whose losses are parabolas in log2(lr), lowest at 0.02 and at 0.03, between
# the rates tried; evaluation runs do not count.
best_rates() {
  mkdir -p rates
  for width in 64 128; do
    mkdir -p rates/$width/tune/muon
    touch rates/$width/sweep.spec
    for lr in 0.005 0.01 0.02 0.04 0.08; do
      best=0.02
      [ $width = 64 ] || best=0.03
      loss=$(awk "BEGIN { x = log($lr / $best); print 2 + x * x }")
      run_of "rates/$width/tune/muon/lr-$lr/seed-1" muon 100 1 "$loss" $lr
      echo "channels = $width" >>"rates/$width/tune/muon/lr-$lr/seed-1/config.txt"
    done
    run_of "rates/$width/final/muon/lr-0.02/seed-101" muon 100 101 1 0.9
    echo "channels = $width" >>"rates/$width/final/muon/lr-0.02/seed-101/config.txt"
  done
  run "$scaling" rates --over channels --value rate --format csv
  check "best rate at 64: $(cell muon 2)" test "$(cell muon 2)" = 0.02
  check "best rate at 128: $(cell muon 3)" test "$(cell muon 3)" = 0.03
  rm -r rates/128/tune/muon/lr-0.04 rates/128/tune/muon/lr-0.08
  run "$scaling" rates --over channels --value rate --format csv
  check "at the edge: $(cell muon 3)" test "$(cell muon 3)" = '0.02 (edge)'
}

errors() {
  answers 2 'name folders of runs' "$scaling"
  answers 1 'need the loss to reach' "$scaling" laws --value tokens
  answers 1 'not a number' "$scaling" laws --over optimizer
  answers 1 'speed-ups need losses of sgd' "$scaling" laws --baseline sgd --draw speed-up
  answers 1 'no-such' "$scaling" no-such
  command -v gnuplot >/dev/null || return
  answers 0 'figure.svg' "$scaling" laws --draw speed-up --out figure.svg
  check "the figure has its axis" grep -q 'speed-up over adamw' figure.svg
  answers 1 'must end in' "$scaling" laws --out figure.txt
}

against_steps
best_rates
errors
finish scaling
