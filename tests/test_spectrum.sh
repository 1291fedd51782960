#!/bin/sh
# tools/spectrum and plots of spectrum.csv from the command line: files and error messages.
set -u
cd "$(dirname "$0")/.." || exit 1
out=build/spectrum_cli
rm -rf "$out"
mkdir -p "$out"
passed=0
failed=0

ok() { passed=$((passed + 1)); }
no() {
  failed=$((failed + 1))
  echo "  FAILED: $1"
  tail -n 5 "$out/output"
}

# works WORDS COMMAND...: ends with 0 and prints WORDS.
works() {
  words=$1
  shift
  if "$@" >"$out/output" 2>&1 && grep -q -- "$words" "$out/output"; then ok; else no "$*"; fi
}

# refuses CODE WORDS COMMAND...: ends with CODE and a message with WORDS.
refuses() {
  code=$1
  words=$2
  shift 2
  "$@" >"$out/output" 2>&1
  if [ $? -eq "$code" ] && grep -q -- "$words" "$out/output"; then ok; else no "$* ($code)"; fi
}

exists() { for f in "$@"; do if [ -s "$f" ]; then ok; else no "no $f"; fi; done; }

spectrum() { tools/spectrum "$@" --out "$out" --format "$format"; }
format=characters
command -v gnuplot >/dev/null &&
  works 'slope in ln(size)' spectrum scale --sizes 16,32,64 --aspects 1,2 --seeds 1
command -v gnuplot >/dev/null && works 'bounds hold at every step' spectrum converge --shape 16x24
command -v gnuplot >/dev/null && works 'sgemm ceiling' \
  spectrum methods --shapes 24x16 --spectra steep --rounds 1 --steps 3
command -v gnuplot >/dev/null && works 'the largest .* times the median' \
  spectrum isotropic --shape 12x20 --growth 2,8
exists "$out/isotropic.csv" "$out/scale.csv" "$out/converge.csv" "$out/methods-24x16-steep.csv"
works 'polar factor' tools/spectrum --help
refuses 2 'use step, gradients, scale, momentum' tools/spectrum
refuses 2 'use step, gradients, scale, momentum' tools/spectrum scales
refuses 2 'did you mean' tools/spectrum scale --size 64
refuses 1 '5 is odd' tools/spectrum isotropic --growth 4,5
refuses 2 'no effect' tools/spectrum isotropic --matrix h.0.mlp.c_fc
refuses 1 '8 to 32768' tools/spectrum scale --sizes 4
refuses 1 'whole numbers with commas' tools/spectrum scale --sizes 64x64
refuses 1 'shapes with commas' tools/spectrum methods --shapes 64
refuses 1 'not one of gaussian' tools/spectrum methods --spectra uniform
refuses 1 'give one of them' tools/spectrum converge --run x --smallest 0.1
refuses 1 'x: ' tools/spectrum converge --run x

run="$out/run"
works 'spectrum.csv: 4' ./train --layers 1 --heads 1 --channels 16 --context 16 --vocab 257 \
  --batch 2 --steps 4 --val-every 0 --optimizer muon --qkv-split 1 --log-spectrum 2 --out "$run"
exists "$run/spectrum.csv"
if command -v gnuplot >/dev/null; then
  for view in quantiles stable-rank condition polar update gradient; do
    works 'steps' tools/plot "$run" --spectrum "$view"
  done
  works 'mlp.c_fc' tools/plot "$run" "$run" --spectrum polar --class mlp.c_fc --title mlp.c_fc
  works 'momentum of mlp.c_fc, step 4' spectrum converge --run "$run" --class mlp.c_fc
  works 'jordan, 5 steps' spectrum momentum --runs "$run"
  exists "$out/momentum.csv"
  works 'momentum of h.0.mlp.c_fc, step 6' spectrum isotropic --from "$run" --steps 2 \
    --matrix h.0.mlp.c_fc
fi
refuses 1 'has the classes attn' tools/plot "$run" --spectrum polar --class mlp
refuses 1 'one run at a time' tools/plot "$run" "$run" --spectrum quantiles
refuses 1 'give the narrowest' tools/spectrum momentum --runs "$run $run"
refuses 1 'has the classes' tools/spectrum momentum --runs "$run" --class mlp
refuses 1 '--runs is required' tools/spectrum momentum
refuses 1 'has the classes' tools/spectrum converge --run "$run" --class mlp
rm "$run/spectrum.csv"
refuses 1 '--log-spectrum N' tools/plot "$run" --spectrum polar

echo "spectrum command line: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
