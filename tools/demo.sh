#!/bin/sh
# Trains AdamW and Muon on the embedded novels, from the same weights on the same batches, and
# draws their losses.
set -eu
mkdir -p runs
for optimizer in adamw muon; do
  printf '\n== %s ==\n' "$optimizer"
  ./train --optimizer "$optimizer" --out "runs/demo-$optimizer" --overwrite on --val-every 25
done
tools/plot runs/demo-adamw runs/demo-muon --out runs/demo.png
tools/plot runs/demo-adamw runs/demo-muon
printf '\nThe same figure as a picture: runs/demo.png\n'
