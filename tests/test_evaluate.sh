#!/bin/sh
# tools/evaluate: the losses of texts and of a run's validation set; the prompt of tools/generate
# from standard input.
cd "$(dirname "$0")/.." || exit 1
. tests/shell.sh

# The cell COLUMN of the last row of the CSV that the last `run` printed.
cell() { tail -n 1 "$work/stdout" | cut -d, -f"$1"; }

# near A B: equal to 1e-5.
near() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(a != "" && d < 1e-5 && d > -1e-5) }'; }

cd "$work" || exit 1
write_tiny tiny.txt 4
printf 'It is a truth universally acknowledged, that a single man in want.\n%.0s' 1 2 3 4 5 6 7 8 >a.txt
printf 'Call me Ishmael. Some years ago - never mind how long precisely.\n%.0s' 1 2 3 >b.txt
cat a.txt b.txt >both.txt
"$train" @tiny.txt --data a.txt --val both.txt --val-tokens 1e6 --lr 0.05 \
  --out run >/dev/null || exit 1
evaluate() { run "$tools/evaluate" --threads 1 --from "$@"; }

# 257 tokens: one for each byte. The log's loss leaves out the last, incomplete row of 16 tokens.
val_loss=$(tail -n 1 run/log.csv | cut -d, -f5)
size=$(wc -c <both.txt)
complete=$(((size - 1) / 16 * 16))
evaluate run --tokens "$complete" --format csv
check "the loss of the log" near "$(cell 4)" "$val_loss"
check "its tokens" [ "$(cell 2)" -eq "$complete" ]
evaluate run/latest --format csv
check "all but the first token of the validation set" [ "$(cell 2)" -eq $((size - 1)) ]
check "perplexity" near "$(cell 5)" "$(awk -v l="$(cell 4)" 'BEGIN { print exp(l) }')"
check "bits per byte" near "$(cell 6)" "$(awk -v l="$(cell 4)" 'BEGIN { print l / log(2) }')"
all=$(cell 4)
evaluate run --data both.txt --format csv
check "the same text as a file" near "$(cell 4)" "$all"

evaluate run --data a.txt b.txt --format csv
check "a row for each text" [ "$(cut -d, -f1 "$work/stdout" | tr '\n' ' ')" = "text a.txt b.txt " ]
evaluate run --data a.txt,b.txt --tokens 40
check "a table with a total" prints "total"
check "--tokens of each text" [ "$(awk 'NR == 4 { print $1 }' "$work/stdout")" -eq 80 ]

"$tools/convert" --from run --to model.bin --format llm.c >/dev/null
"$tools/convert" --from run --to folder >/dev/null
for model in model.bin folder; do
  evaluate $model --data both.txt --format csv
  check "the same loss from $model" near "$(cell 4)" "$all"
done
evaluate run --data both.txt --context 1 --format csv
one=$(cell 4)
check "a short context has another loss" [ "$one" != "$all" ]

answers 2 "--from is required" "$tools/evaluate"
answers 2 "--separator" "$tools/evaluate" --from run --separator x
answers 1 "give texts with --data" "$tools/evaluate" --from folder
answers 1 "no such file" "$tools/evaluate" --from run --data none.txt
answers 1 "at most these" "$tools/evaluate" --from run --context 17
printf x >short.txt
answers 1 "at least two tokens" "$tools/evaluate" --from run --data short.txt

"$tools/generate" --from run --threads 1 --tokens 9 --prompt "It is" >asked 2>/dev/null
echo "It is" | "$tools/generate" --from run --threads 1 --tokens 9 --prompt - >piped 2>/dev/null
check "a prompt from standard input" cmp -s asked piped
check "is printed first" grep -q '^It is.' piped
"$tools/generate" --from run --prompt - <both.txt >long 2>message
check "a prompt that is too long is not printed" [ ! -s long ]
check "but reported" grep -q "the model's context is 16" message

finish evaluate
