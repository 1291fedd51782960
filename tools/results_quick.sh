#!/bin/sh
# Repeats a part of results/nano: five methods at their chosen settings, two of the three seeds, and
# compares each method's difference to AdamW with the stored one. Some five minutes on two cores. Run
# from the project's root:
#
#   sh tools/results_quick.sh [FOLDER]        runs/results-quick by default
set -eu
[ "${1:-}" != --help ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit; }
folder=${1:-runs/results-quick}
stored=results/nano
methods='adamw muon low-rank-muon sumo adago'
seeds='101 102'
if [ ! -x ./train ] || [ ! -x tools/compare ]; then
  echo "results-quick: run it as make results-quick, from the project's root" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/stored"
tar -xzf "$stored/runs.tar.gz" -C "$work/stored"

for seed in $seeds; do
  for method in $methods; do
    run=$folder/final/$method/seed-$seed
    grep -qs '^result = finished' "$run/info.txt" && continue
    set -- "$work/stored/final/$method"/*/seed-"$seed"/config.txt
    if [ ! -e "$1" ]; then
      echo "results-quick: $stored has no run of $method with seed $seed" >&2
      exit 1
    fi
    echo "$1 $run"
  done
done >"$work/due"
echo "$(wc -l <"$work/due") runs to train in $folder"
# shellcheck disable=SC2016
xargs -P "$(nproc)" -L 1 sh -c './train "@$1" --out "$2" --overwrite on --threads 1 \
  --progress quiet && echo "$2"' - <"$work/due"

# The stored interval is of the mean of n seeds; that of the mean of k other seeds is wider by
# sqrt(1 + n / k).
tools/compare "$stored/runs.tar.gz" --intervals each --format csv >"$work/stored.csv"
tools/compare "$folder" --baseline adamw --format csv >"$work/again.csv"
awk -F, -v methods="$methods" '
  FNR == 1 { file++; for (i = 1; i <= NF; i++) column[file, $i] = i; next }
  {
    loss[file, $1] = $column[file, "val_loss_mean"]
    n[file, $1] = $column[file, "n"]
    difference[file, $1] = $column[file, "difference_mean"]
    half[file, $1] = $column[file, "difference_high"] - $column[file, "difference_mean"]
  }
  END {
    print "\nmethod            loss, stored   again   difference to AdamW, stored      again"
    count = split(methods, method, " ")
    for (i = 1; i <= count; i++) {
      m = method[i]
      printf "%-16s %13.4f %7.4f", m, loss[1, m], loss[2, m]
      if (m == "adamw") { print ""; continue }
      room = half[1, m] * sqrt(1 + n[1, m] / n[2, m])
      off = difference[2, m] - difference[1, m]
      bad = off > room || off < -room
      failed += bad
      printf "   %+.4f +- %.4f             %+.4f%s\n", difference[1, m], room, difference[2, m],
             bad ? "  outside" : ""
    }
    print "\n+-: where the mean of " n[2, "muon"] " seeds lies with 95 %."
    print failed ? failed " of " count - 1 " outside" : "All inside."
    exit failed > 0
  }' "$work/stored.csv" "$work/again.csv"
