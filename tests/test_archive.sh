#!/bin/sh
# tools/archive.sh keeps some rows of the logs, in a folder of results/, and make report draws them.
. tests/shell.sh
cd "$work" || exit 1
ln -s "$root/train" train
mkdir tools docs
ln -s "$tools/compare" tools/compare

write_tiny options 12
grep -v '^threads' options >tiny.spec
run "$tools/sweep" tiny.spec --optimizers "adamw muon" --rates 2 --seeds 0 --extend 0 \
  --val-every 6 --jobs 1 --threads 1 --out runs
answers 0 'results/questions/tiny: 4 runs' sh "$tools/archive.sh" runs questions/tiny 4
tar -xzf results/questions/tiny/runs.tar.gz
steps=$(cut -d, -f1 tune/muon/*/seed-1/log.csv | sort -u | tr '\n' ' ')
check "every fourth row, and those with a validation loss: $steps" \
  [ "$steps" = "0 12 4 6 8 step " ]
answers 0 'muon' "$tools/compare" results/questions/tiny/runs.tar.gz --format csv
echo '![Rates](../results/questions/tiny/rates.svg)' >docs/page.md
answers 0 'results/questions/tiny: 1 figures' sh "$tools/report.sh"
check 'the figure that a page names' [ -s results/questions/tiny/rates.svg ]
answers 1 'is not a number of rows' sh "$tools/archive.sh" runs tiny 0
answers 1 'invalid folder name' sh "$tools/archive.sh" runs questions/../tiny
answers 1 'invalid folder name' sh "$tools/archive.sh" runs /tiny
finish archive
