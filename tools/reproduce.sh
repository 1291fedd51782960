#!/bin/sh
# Trains nanoGPT's CPU example (./train --model shakespeare: AdamW with its published settings) with
# three seeds, and prints the validation losses beside those of nanoGPT's own code. Runs that have
# finished are not repeated; an interrupted one continues. Run from the project's root:
#
#   sh tools/reproduce.sh [FOLDER]        runs/reproduce by default; some five minutes
set -eu
[ "${1:-}" != --help ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit; }
folder=${1:-runs/reproduce}
if [ ! -x ./train ]; then
  echo "reproduce: run it as make reproduce, from the project's root" >&2
  exit 2
fi

for seed in 1 2 3; do
  run=$folder/seed-$seed
  grep -qs '^result = finished' "$run/info.txt" && continue
  if ls "$run"/step-* >/dev/null 2>&1; then ./train --resume "$run"
  else
    ./train --model shakespeare --seed $seed --data-seed $seed --out "$run" --overwrite on
  fi
done

# nanoGPT's code: PyTorch 1.13, seed 1337, each loss from 20 random batches.
awk -F, '
  BEGIN {
    n = split("4.1649 2.4447 2.3141 2.1905 2.0528 2.0089 1.9225 1.8921 1.8857", published, " ")
    for (i = 1; i <= n; i++) theirs[250 * (i - 1)] = published[i]
  }
  FNR == 1 { seed++; for (i = 1; i <= NF; i++) if ($i == "val_loss") column = i; next }
  $column != "" { loss[$1, seed] = $column }
  END {
    print "\nValidation loss of nanoGPT'"'"'s CPU example (nats per character):\n"
    print "  step  nanoGPT   seed 1   seed 2   seed 3     mean"
    for (step = 0; step <= 2000; step += 250) {
      mean = (loss[step, 1] + loss[step, 2] + loss[step, 3]) / 3
      printf "%6d  %7.4f  %7.4f  %7.4f  %7.4f  %7.4f\n", step, theirs[step], loss[step, 1],
             loss[step, 2], loss[step, 3], mean
    }
    print "\nnanoGPT evaluates on 20 random batches (its README says 1.88), polar.c on the" \
          "\nwhole validation text, on which nanoGPT'"'"'s final weights have 1.8982."
    off = mean - 1.8982
    printf "Difference of the mean to that: %+.4f.\n", off
    exit off > 0.03 || off < -0.03
  }' "$folder"/seed-1/log.csv "$folder"/seed-2/log.csv "$folder"/seed-3/log.csv
