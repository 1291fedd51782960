#!/bin/sh
# A run that needs more memory than is free is refused before anything is allocated, and what the
# message names fits. Tests: run/footprint core/available
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh

# limited COMMAND...: with 900 MB of address space.
limited() { (
  # shellcheck disable=SC3045 # dash and bash have ulimit -v
  ulimit -v 900000 && exec "$@"
); }

large="$train --model micro --vocab 257 --layers 2 --batch 128 --steps 1 --val-every 0 --threads 2"
# shellcheck disable=SC2086
answers 1 'not enough memory: the run needs 1.' limited $large --out "$work/large"
check 'no folder was made' [ ! -e "$work/large/log.csv" ]
check 'the message names the limit' says 'limit of ulimit -v'
rows=$(sed -n 's/.*use --micro-batch \([0-9]*\)$/\1/p' "$work/stderr")
check 'the message names a micro-batch' [ "${rows:-0}" -ge 1 ]
# shellcheck disable=SC2086
answers 1 "use --micro-batch $rows" limited $large --out "$work/large" --micro-batch $((2 * rows))
write_tiny "$work/tiny" 1
run limited "$train" "@$work/tiny" --out "$work/small"
check 'a small run starts' [ "$code" -eq 0 ]
check 'info.txt has the memory' grep -q '^memory in MB: weights .*, total ' "$work/small/info.txt"
check 'the header has the memory' prints ' weights, memory 0.0'
answers 1 'use a smaller model' limited "$train" --model gpt2-xl --out "$work/large"
answers 0 'memory 3.' "$train" --list
finish footprint
