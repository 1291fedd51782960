#!/bin/sh
# tools/spectrum step: it repeats the training steps exactly, writes nothing to the run, and its
# errors help.
cd "$(dirname "$0")/.." || exit 1
. tests/shell.sh
write_tiny "$work/tiny" 5
growth() { "$tools/spectrum" growth --out "$work/out" --format characters "$@"; }
step() { "$tools/spectrum" step --out "$work/out" --format characters "$@"; }

# Row 5 of spectrum.csv has the singular values of the gradient of step 5, since msgd has no
# momentum. From the checkpoint after step 3, step 5 needs the right data, weights and updates.
run "$train" "@$work/tiny" --optimizer msgd --lr 0.01 --save-every 3 --log-spectrum 5 \
  --out "$work/run"
check 'a run with a checkpoint after step 3' test -d "$work/run/step-000003"
ls -lR "$work/run" >"$work/before"
if command -v gnuplot >/dev/null; then
  answers 0 'directions with 90 %' step --from "$work/run/step-000003" --steps 2 \
    --matrix h.0.mlp.c_fc
  check 'a caption' prints 'all directions of the momentum'
  largest=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
    $1 == 5 && $2 == "mlp.c_fc" { print $column["largest"] }' "$work/run/spectrum.csv")
  same=$(awk -F, -v want="$largest" '$2 == "gradient" { sum += $4 * $4; if ($3 == 1) first = $4 }
    END { off = first / sqrt(sum) - want; print (off < 1e-5 && off > -1e-5) ? "yes" : "no" }' \
    "$work/out/step.csv")
  check "the gradient of step 5 has the largest singular value $largest" test "$same" = yes
  flat=$(awk -F, '$2 == "Muon'"'"'s step" { n++; sum += $4 * $4; if ($3 == 1) first = $4 }
    END { print (sum > 0.99 * n && sum < 1.01 * n && first < 3) ? "yes" : "no" }' \
    "$work/out/step.csv")
  check 'the singular values of Muon'"'"'s step are near 1' test "$flat" = yes
  ls -lR "$work/run" >"$work/after"
  check 'the run is unchanged' cmp -s "$work/before" "$work/after"
  answers 0 'Singular values of the gradient' step --from "$work/run" --steps 1
  answers 0 "$work/run/step-000003: Muon's step" step --from "$work/run" --beside \
    "$work/run/step-000003" --steps 1 --matrix h.0.attn.c_attn.q
  run "$tools/spectrum" step --from "$work/run" --steps 1 --out "$work/out"
  check 'a picture of the step' test -s "$work/out/step.png"
  check 'a picture of its history' test -s "$work/out/step-history.png"
  # For small t the loss departs quadratically from its linear model; with a wrong linear term the
  # exponent would be 1.
  answers 0 'all together' growth --from "$work/run"
  far=$(awk -F, 'NR > 1 && $2 < 0.1 && $4 != "" && ($4 < 1.8 || $4 > 2.2)' "$work/out/growth.csv")
  near=$(awk -F, 'NR > 1 && $2 < 0.1 && $4 != ""' "$work/out/growth.csv" | wc -l)
  check "the growth of the curvature is quadratic ($near exponents): $far" \
    test "$near" -gt 5 -a -z "$far"
fi
answers 1 '--from is required' growth
answers 1 'h.0.attn.c_attn.q h.0.attn.c_attn.k' step --from "$work/run" --matrix wte
answers 1 '--from is required' step
answers 1 'nothing: cannot be opened' step --from "$work/nothing"
answers 2 'no effect without --from' step --beside "$work/run"
finish 'spectrum step'
