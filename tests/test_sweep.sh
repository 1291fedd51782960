#!/bin/sh
# tools/sweep: what is swept (grids, ranges, without a spec), several sweeps in one folder, and job
# arrays. Run from the project's root, where ./train and tools/ are built.
. tests/shell.sh
sweep=$tools/sweep
cd "$work" || exit 1
ln -s "$train" train

# trials METHOD ARGUMENTS...: the points of a method's first trials, one a line.
trials() {
  method=$1
  shift
  "$sweep" "$@" --dry-run 2>/dev/null | sed -n "s/^$method \(.*\), seed 1.*/\1/p"
}

count() { trials "$@" | wc -l; }

# A network of a few weights.
tiny="--layers 1 --heads 1 --channels 8 --context 8 --vocab 257 --batch 1 --steps 10 --warmup 0
  --val-every 5 --val-tokens 64"

grids() {
  set -- --optimizers "adamw muon" --weight-decay "0 0.1" --muon.momentum "0.9 0.95" --rates 3
  check "a grid without a spec" test "$(count muon "$@")" -eq 12
  check "the other method gets as many trials" test "$(count adamw "$@")" -eq 12
  check "all of them different" test "$(trials adamw "$@" | sort -u | wc -l)" -eq 12
  check "its default rate is among them" test \
    "$(trials adamw "$@" | grep -c '^lr 0.005657 ')" -eq 2
  check "more rates do not make the range wider than one ratio" \
    test "$(trials adamw "$@" | sort -gk2 | sed -n '1s/.*lr \([^ ]*\).*/\1/p')" = 0.0028285
  check "an option without effect makes no trials" \
    test "$(count adamw --optimizers adamw --aux-lr "0.1 0.2" --rates 2)" -eq 2
  check "an option of other methods is left out" \
    test "$(count adamw --optimizers "adamw muon" --momentum "0.9 0.95" --rates 2)" -eq 4
  check "an option with an effect in some trials" \
    test "$(count adamw --optimizers adamw --rates 1 --schedule "cosine wsd" \
      --decay-fraction "0.1 0.2")" -eq 3
  answers 2 '--aux-lr has no effect' "$sweep" --optimizers adamw --adamw.aux-lr "1 2" --dry-run
  answers 2 'lr = 1e-3..1e-1 is a range' "$sweep" --optimizers adamw --lr 1e-3..1e-1
  answers 2 'several values are written in quotes' "$sweep" --optimizers adamw muon
  answers 2 'more than 100000 points' "$sweep" --optimizers adamw --rates 99 --beta1 \
    "$(seq -s ' ' 0.001 0.001 0.1)" --beta2 "$(seq -s ' ' 0.001 0.001 0.1)"
}

# inside LOW HIGH NAME: every value of NAME in the input is in the range.
inside() {
  awk -v low="$1" -v high="$2" -v name="$3" '
    { for (i = 1; i < NF; i++)
        if ($i == name) { n++; if ($(i + 1) < low || $(i + 1) > high) bad++ } }
    END { exit !n || bad }'
}

random_trials() {
  set -- --optimizers "adamw muon" --lr 1e-4..1e-1 --warmup 10..100 \
    --muon.momentum 0.8..0.99 --muon.schedule "cosine wsd linear" --weight-decay 0..0.2
  check "random trials of one method" test "$(count adamw "$@" --random 16)" -eq 16
  check "as many of another with more options" test "$(count muon "$@" --random 16)" -eq 16
  trials muon "$@" --random 16 >muon.txt
  check "learning rates in their range" inside 1e-4 1e-1 lr <muon.txt
  check "momenta in their range" inside 0.8 0.99 momentum <muon.txt
  check "a range from 0" inside 0 0.2 weight-decay <muon.txt
  check "whole numbers stay whole" sh -c '! grep -q "warmup [0-9]*\." muon.txt'
  check "each word of a list" test \
    "$(grep -o 'schedule [a-z]*' muon.txt | sort -u | wc -l)" -eq 3
  low=$(awk '$2 < 3.2e-3' muon.txt | wc -l)
  check "half of the rates below the middle of the log-range: $low" \
    test "$low" -ge 7 -a "$low" -le 9
  low=$(sed 's/.* momentum \([^ ]*\).*/\1/' muon.txt | awk '$1 < 1 - sqrt(0.2 * 0.01)' | wc -l)
  check "momenta are log-uniform in 1 - x: $low" test "$low" -ge 7 -a "$low" -le 9
  trials muon "$@" --random 8 >fewer.txt
  head -n 8 muon.txt >first.txt
  check "the first trials of a longer search are those of a shorter" cmp fewer.txt first.txt
  answers 2 'only 2 different settings' "$sweep" --optimizers adamw --random 4 --lr "0.1 0.2"
  check "name=value without dashes" test \
    "$(trials adamw --optimizers adamw --random 2 lr=1e-3..1e-1)" = \
    "$(trials adamw --optimizers adamw --random 2 --lr 1e-3..1e-1)"
  answers 2 'a range is LOW..HIGH' "$sweep" --optimizers adamw --random 4 --lr 0.2..0.1
  answers 2 'is out of range' "$sweep" --optimizers adamw --random 4 --beta1 0.5..1.5
}

# A random search in a spec with ranges for each method, from begin to end.
random_sweep() {
  cat >ranges.spec <<'END'
optimizers = adamw muon sgd
random = 8
seeds = 2
intervals = all
adamw.lr = 1e-3..1e-1
adamw.beta1 = 0.8..0.95
sgd.momentum = 0.5..0.9
muon.lr = 2e-3..1e-1
muon.ns-steps = 3..6
muon.schedule = cosine wsd
END
  # shellcheck disable=SC2086
  "$sweep" ranges.spec $tiny --jobs 2 --threads 1 >out.txt 2>&1
  check "it runs: $(tail -n 1 out.txt)" grep -q '^done: 30 runs' out.txt
  check "it shows the settings that differ" grep -q '^  lr  *0' out.txt
  check "the result has an evaluation seed" test \
    "$(find runs/ranges/final -name log.csv | grep -c seed-101)" -eq 3
  answers 0 'done: 30 runs' "$sweep" runs/ranges
  "$sweep" runs/ranges --dry-run >list.txt
  check "its folder is a spec with the same trials" grep -q '^30 runs, 30 of them done' list.txt
}

# What was swept is in the tables, the trials and the figures.
reports() {
  run "$tools/compare" runs/ranges --format csv
  check "the csv has the swept options" prints 'beta1 0.'
  check "of each method" prints 'schedule '
  run "$tools/compare" runs/ranges --format csv --trials on
  check "all trials: $(wc -l <"$work/stdout") lines" test "$(wc -l <"$work/stdout")" -eq 25
  check "with their options" prints 'optimizer,lr,'
  answers 0 'beta1' "$tools/compare" runs/ranges
  check "the losses of the best trials" \
    grep -q '^optimizer  *trials  *best trial  *2nd  *4th  *8th' "$work/stdout"
  # shellcheck disable=SC2016
  check "in ascending order" sh -c 'awk "/best trial/ { getline; exit !(\$3 <= \$4 && \$4 <= \$5 &&
    \$5 <= \$6) }" "$1"' - "$work/stdout"
  for kind in sweep all each; do
    "$tools/compare" runs/ranges --intervals $kind --format csv | cut -d, -f 10 >$kind.csv
  done
  check "the spec's kind of intervals" cmp -s sweep.csv all.csv
  check "which are wider together" test "$(paste all.csv each.csv | awk 'NR > 1 && $1 > $2' |
    wc -l)" -eq 2
  check "the best of random trials is not at an edge" \
    test "$(grep -c 'at the edge' "$work/stdout")" -eq 0
  command -v gnuplot >/dev/null || return
  run "$tools/compare" runs/ranges --figures figures
  check "a figure for each option" test "$(find figures -name 'option-*.svg' | wc -l)" -ge 3
  check "and one of all trials" grep -q 'the best first' figures/sensitivity.svg
  check "named on its axis" grep -q '>beta1<' figures/option-*.svg
  run "$tools/compare" runs/ranges --html page.html
  check "the page has the trials" grep -q '<summary>Trials' page.html
}

template() {
  answers 0 'tools/sweep my.spec' "$sweep" --init my.spec --seeds 2
  answers 1 'already exists' "$sweep" --init my.spec
  check "the template has every option, and those given" sh -c \
    'grep -q "^seeds = 2" my.spec && grep -q "^# random = 0" my.spec'
  answers 0 'adamw lr' "$sweep" my.spec --optimizers adamw --dry-run
  sed 's/^# \([a-z.:-]* = .*\)/\1/; /^random = 0/d; /^extend/d; /^muon.momentum = 0.9 /d' my.spec \
    >all.spec
  answers 0 'muon:exact lr' "$sweep" all.spec --optimizers "muon muon:exact" --dry-run
}

# Two sweeps at once share the work: every run is started once.
together() {
  cat >counting <<'END'
#!/bin/sh
printf '%s\n' "$*" | sed 's/.*--out \([^ ]*\).*/\1/' >>begun.txt
exec ./train "$@"
END
  chmod +x counting
  # shellcheck disable=SC2086
  set -- --optimizers "adamw sgd" --seeds 2 --rates 3 --extend 1 $tiny --jobs 1 --threads 1 \
    --out shared --train ./counting
  "$sweep" "$@" >first.txt 2>&1 &
  first=$!
  "$sweep" "$@" >second.txt 2>&1 &
  second=$!
  wait $first
  check "the first of two sweeps: $(tail -n 1 first.txt)" test $? -eq 0
  wait $second
  check "the second of two sweeps: $(tail -n 1 second.txt)" test $? -eq 0
  check "both see the whole" test "$(grep '^done' first.txt)" = "$(grep '^done' second.txt)"
  runs=$(find shared -name log.csv | wc -l)
  check "no run is done twice: $(sort begun.txt | uniq -d)" \
    test "$(wc -l <begun.txt)" -eq "$runs" -a "$(sort -u begun.txt | wc -l)" -eq "$runs"
  sed -n 's/^[^ ]*  \(.*\): val loss.*/\1/p' first.txt second.txt | sort -u >reported.txt
  check "every run is reported" test "$(wc -l <reported.txt)" -eq "$runs"
  "$sweep" "$@" --print >commands.txt 2>/dev/null
  check "nothing is left to print" test ! -s commands.txt
}

# A job array for Slurm, whose tasks are started here without Slurm.
array() {
  # shellcheck disable=SC2086
  set -- --optimizers "adamw sgd" --seeds 1 --rates 2 --extend 0 $tiny --out "an array, 1%"
  answers 0 "sbatch 'an array, 1%/sweep.sbatch'" "$sweep" "$@" --slurm --jobs 3 --threads 2
  head -n 5 "an array, 1%/sweep.sbatch" >head.txt
  check "a task for each run, two processors each" test "$(head -n 5 head.txt | grep -c \
    -e '--array=1-6%3$' -e '--cpus-per-task=2$' -e "'an array, 1%%/slurm-%A-%a.txt'")" -eq 3
  answers 0 'sbatch' "$sweep" "$@" --slurm --limit 1
  SLURM_CPUS_PER_TASK=1 sh "an array, 1%/sweep.sbatch" >first.txt 2>&1
  check "a task of one run: $(tail -n 1 first.txt)" grep -q '^1 of 6 runs have ended' first.txt
  answers 0 'sbatch' "$sweep" "an array, 1%" --slurm
  check "what has ended needs no task" grep -q 'array=1-5$' "an array, 1%/sweep.sbatch"
  SLURM_CPUS_PER_TASK=1 sh "an array, 1%/sweep.sbatch" >second.txt 2>&1
  check "a task does all that is due: $(tail -n 1 second.txt)" grep -q '^done: 6 runs' second.txt
  answers 0 'all runs have finished' "$sweep" "an array, 1%" --slurm
}

grids
random_trials
random_sweep
reports
template
together
array
finish sweep
