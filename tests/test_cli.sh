#!/bin/sh
# The command line: wrong options, bad files, interruptions, and which options change the results.
# Run from the project's root, where ./train is.
# Tests: run/run run/program
. tests/shell.sh
write_tiny "$work/tiny" 3

# write_spec LINES: one tiny run of a sweep, with further lines of its spec.
write_spec() {
  { echo "optimizers = adamw"
    echo "lr = 0.01"
    echo "seeds = 0"
    echo "extend = 0"
    grep -v -e threads -e steps "$work/tiny"
    echo "$1"; } >"$work/tiny.spec"
}

tiny() { run "$train" "@$work/tiny" "$@"; }

one_line() { [ "$(wc -l <"$work/stderr")" -eq 1 ]; }
no_files() { [ -z "$(find "$1" -mindepth 1 2>/dev/null)" ]; }

# The steps and losses of a run, without its times.
losses() { cut -d, -f1,2,4,5,6,7 "$1/log.csv"; }

# refuses CODE PART OPTIONS...: exit code, one line on stderr with PART in it, nothing written.
refuses() {
  want=$1
  part=$2
  shift 2
  rm -rf "$work/none"
  mkdir "$work/none"
  tiny --out "$work/none/run" "$@"
  if [ "$code" -ne "$want" ]; then bad "exit $code, not $want: $*"
  elif ! one_line; then bad "stderr is not one line: $*"
  elif ! says "$part"; then bad "\"$part\" is not in: $(cat "$work/stderr") ($*)"
  elif ! no_files "$work/none"; then bad "something was written: $*"
  else ok "$* is refused: $part"
  fi
}

# trains NAME OPTIONS...: a run into $work/NAME that has to succeed.
trains() {
  name=$1
  shift
  tiny --out "$work/$name" "$@"
  if [ "$code" -eq 0 ]; then return 0; fi
  bad "exit $code: $*: $(cat "$work/stderr")"
  return 1
}

same_losses() {
  losses "$work/$1" >"$work/left"
  losses "$work/$2" >"$work/right"
  cmp -s "$work/left" "$work/right"
}

# near_losses A B: the train and validation losses to 1e-4.
near_losses() {
  paste -d, "$work/$1/log.csv" "$work/$2/log.csv" | awk -F, '
    function off(a, b) { return (a == "") != (b == "") || a - b > 1e-4 || b - a > 1e-4 }
    NR > 1 && (off($4, $15) || off($5, $16)) { wrong = 1 }
    END { exit wrong || NR < 2 }'
}

# ---- help ----

help() {
  for option in --help --list --version -h; do
    "$train" "$option" >"$work/stdout" 2>"$work/stderr"
    check "$option exits 0" [ $? -eq 0 ]
    check "$option writes no error" [ ! -s "$work/stderr" ]
  done
  "$train" --help >"$work/stdout"
  for option in optimizer steps lr layers context data schedule out seed; do
    check "--help names --$option" grep -q -e "^  --$option " "$work/stdout"
  done
  for value in "steps 300" "lr 0.005657" "warmup 150" "weight-decay 0.1" "layers 4"; do
    check "--help shows what a plain ./train takes: $value" \
      grep -q -e "^  --$value " "$work/stdout"
  done
  "$train" --list >"$work/stdout"
  for name in adamw muon sgd nano gpt2 cosine; do
    check "--list names $name" grep -q "$name" "$work/stdout"
  done
  "$train" --help muon >"$work/stdout"
  check "--help muon names its options" grep -q -e "--ns-schedule" "$work/stdout"
  check "--help muon says what it updates" \
    grep -qx "  Updates hidden matrices; AdamW (--aux-lr) updates the rest." "$work/stdout"
  check "--help muon marks published settings" \
    grep -qx "  Published settings: lr=0.02 aux-lr=0.0036" "$work/stdout"
  "$train" --help sumo >"$work/stdout"
  check "--help sumo marks settings that are not from the source" \
    grep -qx "  Ours, not from the source: lr=6e-4 aux-lr=6e-4" "$work/stdout"
  check "and says that none are published" grep -q "Published settings: none" "$work/stdout"
  for method in $("$train" --list | awk 'NR > 1 && /^$/ { exit } NR > 1 { print $1 }'); do
    "$train" --help "$method"
  done >"$work/all"
  { "$train" --help; "$train" --list; } >>"$work/all"
  for tool in plot runs compare sweep generate evaluate convert tokenize spectrum bench; do
    "$root/tools/$tool" --help >>"$work/all" || bad "tools/$tool --help"
  done
  check "help is long" [ "$(wc -l <"$work/all")" -gt 400 ]
  check "no line of help is longer than 80 columns: $(awk 'length > 80' "$work/all" | head -n 1)" \
    [ -z "$(awk 'length > 80' "$work/all")" ]
  "$train" --help adamw >"$work/stdout"
  check "--help adamw says what it updates" grep -q "Updates .* embedding, vectors.$" "$work/stdout"
  "$train" --help moun >"$work/stdout" 2>"$work/stderr"
  check "--help moun exits 2" [ $? -eq 2 ]
  check "--help moun suggests muon" says "did you mean muon?"
}

# ---- wrong options ----

options() {
  refuses 2 "did you mean --batch?" --bacth 3
  refuses 2 "there is no option --zzzzzzz" --zzzzzzz 3
  refuses 2 "did you mean muon?" --optimizer mu0n
  refuses 2 "did you mean nano?" --model nanno
  refuses 2 "did you mean cosine?" --schedule cosin
  refuses 2 "--seed is given twice" --seed 1 --seed 2
  refuses 2 "--out is given twice" --out elsewhere
  refuses 2 "--lr needs a value" --lr
  refuses 2 "options are written --name value" muon
  refuses 2 "a whole number" --seed 1.5
  refuses 2 "0 to 1000000 is allowed" --lr -1
  refuses 2 "is out of range" --weight-decay 1e9
  refuses 2 "takes a number" --lr fast
  refuses 2 "--ns-steps is an option of muon" --ns-steps 3
  refuses 2 "--warmup 3 does not fit" --warmup 3
  refuses 2 "--micro-batch 3 is larger than --batch 2" --micro-batch 3
  refuses 2 "cannot be opened" "@$work/nowhere"
  # The tiny sizes are in a file, so the command line may override them.
  refuses 2 "--heads 3 does not divide --channels 16" --heads 3
  refuses 2 "does not divide" --channels 15
  refuses 2 "1 to 1000 is allowed" --layers 0
  refuses 2 "--save-every has no effect with --keep 0" --keep 0 --save-every 2
  refuses 2 "use one of them" --steps 3 --tokens 100
}

# ---- data ----

le32() { # as four bytes, the least first
  # shellcheck disable=SC2059
  printf "\\$(printf %03o $(($1 % 256)))\\$(printf %03o $(($1 / 256 % 256)))\\$(
    printf %03o $(($1 / 65536 % 256)))\\$(printf %03o $(($1 / 16777216)))"
}

# shard MAGIC COUNT TOKEN WRITTEN: an llm.c token file with COUNT in its header and WRITTEN tokens.
shard() {
  le32 "$1"
  le32 1
  le32 "$2"
  head -c 1012 /dev/zero
  awk -v n="$4" -v token="$3" 'BEGIN { for (i = 0; i < n; i++)
    printf "%d %d\n", i == n - 1 ? token : i * i % 251, 0 }' |
    while read -r token _; do
      # shellcheck disable=SC2059
      printf "\\$(printf %03o $((token % 256)))\\$(printf %03o $((token / 256)))"
    done
}

text() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print "line", i * i % 97, "of text" }'; }

make_data() {
  text 300 >"$work/good.txt"
  gzip -c "$work/good.txt" >"$work/good.txt.gz"
  shard 20240520 600 7 600 >"$work/good.bin"
  gzip -c "$work/good.bin" >"$work/good.bin.gz"
  : >"$work/empty.txt"
  : >"$work/empty.bin"
  printf 'too short' >"$work/short.txt"
  head -c 200 "$work/good.txt.gz" >"$work/truncated.txt.gz"
  { head -c 100 "$work/good.txt.gz"; printf 'rubbish in the middle'
    tail -c +130 "$work/good.txt.gz"; } >"$work/corrupt.txt.gz"
  shard 20240521 600 7 600 >"$work/magic.bin"
  shard 20240520 601 7 600 >"$work/size.bin"
  shard 20240520 600 257 600 >"$work/beyond.bin"
  head -c 1000 "$work/good.bin" >"$work/header.bin"
}

bad_data() {
  refuses 1 "$work/nowhere.txt" --data "$work/nowhere.txt"
  refuses 1 "$work/empty.txt" --data "$work/empty.txt"
  refuses 1 "$work/empty.bin" --data "$work/empty.bin"
  refuses 1 "$work/short.txt" --data "$work/short.txt"
  refuses 1 "--context" --data "$work/good.txt" --context 100000
  refuses 1 "$work/truncated.txt.gz" --data "$work/truncated.txt.gz"
  refuses 1 "$work/corrupt.txt.gz" --data "$work/corrupt.txt.gz"
  refuses 1 "$work/magic.bin" --data "$work/magic.bin"
  refuses 1 "$work/size.bin" --data "$work/size.bin"
  refuses 1 "$work/header.bin" --data "$work/header.bin"
  refuses 1 "257" --data "$work/beyond.bin"
  refuses 1 "$work/nowhere.txt" --val "$work/nowhere.txt"
  if [ "$(id -u)" -eq 0 ]; then
    echo "skipped: an unreadable file (root may read everything)"
  else
    cp "$work/good.txt" "$work/secret.txt"
    chmod 000 "$work/secret.txt"
    refuses 1 "$work/secret.txt" --data "$work/secret.txt"
  fi
}

good_data() {
  for file in good.txt good.txt.gz good.bin good.bin.gz; do
    trains "data-$file" --data "$work/$file" && ok "trains on $file"
  done
  check "text and gzipped text are the same" same_losses data-good.txt data-good.txt.gz
  check "tokens and gzipped tokens are the same" same_losses data-good.bin data-good.bin.gz
  trains sequential --data "$work/good.bin" --order sequential && ok "trains in order"
  check "another order, other losses" differ sequential data-good.bin
  trains val --data "$work/good.txt" --val "$work/good.bin" && ok "trains with --val"
  mkdir "$work/spaced folder"
  cp "$work/good.txt" "$work/spaced folder/a b.txt"
  trains spaced --data "$work/spaced folder/a b.txt" && ok "trains on a path with blanks"
  trains again "@$work/spaced/config.txt" && check "and again from its config.txt" \
    same_losses spaced again
}

differ() { ! same_losses "$1" "$2"; }

# ---- folders ----

folders() {
  trains folder || return
  for file in config.txt info.txt log.csv; do
    check "a run writes $file" [ -s "$work/folder/$file" ]
  done
  check "info.txt says finished" grep -q "^result = finished" "$work/folder/info.txt"
  check "no temporary file is left" [ "$(find "$work/folder" -type f -name '*.tmp' | wc -l)" -eq 0 ]
  check "log.csv has a row per step and one before" [ "$(wc -l <"$work/folder/log.csv")" -eq 5 ]
  check "all rows of log.csv have 11 columns" \
    awk -F, 'NF != 11 { exit 1 }' "$work/folder/log.csv"
  cp "$work/folder/log.csv" "$work/before.csv"
  tiny --out "$work/folder"
  check "an existing run is refused" [ "$code" -eq 1 ]
  check "and named, with --overwrite on" says "$work/folder already holds a run"
  check "its log is unchanged" cmp -s "$work/before.csv" "$work/folder/log.csv"
  trains folder --overwrite on && ok "--overwrite on replaces it"
  trains old --optimizer muon --log-spectrum 1 --save-every 2
  tiny --resume "$work/old/step-000002"
  check "a run has a spectrum" [ -s "$work/old/spectrum.csv" ]
  check "and a checkpoint set aside" [ -d "$work/old/step-000003.set-aside" ]
  trains old --overwrite on
  check "--overwrite on removes the spectrum" [ ! -e "$work/old/spectrum.csv" ]
  check "and the checkpoint that was set aside" [ -z "$(find "$work/old" -name '*.set-aside')" ]
  : >"$work/file"
  tiny --out "$work/file/below"
  check "--out below a file fails" [ "$code" -eq 1 ]
  check "and is named in one line" says "$work/file"
  tiny --out /proc/nowhere/run
  check "--out where nothing can be written fails" [ "$code" -eq 1 ]
  (cd "$work" && mkdir elsewhere && cd elsewhere && "$train" "@$work/tiny" >/dev/null 2>&1)
  check "without --out it runs from anywhere, into runs/adamw-nano" \
    [ -s "$work/elsewhere/runs/adamw-nano/log.csv" ]
  (cd "$work/elsewhere" && "$train" "@$work/tiny" >/dev/null 2>&1)
  check "and the next time into runs/adamw-nano-2" \
    [ -s "$work/elsewhere/runs/adamw-nano-2/log.csv" ]
}

full_disk() {
  mkdir "$work/disk"
  if ! mount -t tmpfs -o size=64k tmpfs "$work/disk" 2>/dev/null; then
    echo "skipped: a full disk (no small file system can be mounted here)"
    return
  fi
  tiny --out "$work/disk/run" --steps 100000 --val-every 0
  check "a full disk ends the run with exit 1" [ "$code" -eq 1 ]
  check "a full disk is named: $(head -c 200 "$work/stderr")" says "No space left"
  check "a full disk: log.csv is named" says "$work/disk/run/log.csv"
  umount "$work/disk"
}

# ---- endings ----

rows_of() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; }

# wait_for_rows LOG N: for a run that failed ten minutes at most.
wait_for_rows() {
  tries=0
  while [ "$(rows_of "$1")" -lt "$2" ] && [ "$tries" -lt 6000 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
}

start_long() {
  "$train" "@$work/tiny" --out "$work/stopped" --steps 1000000 --val-every 0 >"$work/stdout" \
    2>"$work/stderr" </dev/null &
  child=$!
  wait_for_rows "$work/stopped/log.csv" 4
}

interrupt() {
  start_long
  kill -"$1" "$child"
  # A closing terminal sends SIGHUP twice: itself and through its shell.
  [ "$1" = HUP ] && kill -HUP "$child" 2>/dev/null
  wait "$child"
  code=$?
  check "$1 ends the run with exit 130 (got $code)" [ "$code" -eq 130 ]
  check "$1: the message names the step" says "interrupted after step"
  check "$1: all rows of log.csv are whole" awk -F, 'NF != 11 { exit 1 }' "$work/stopped/log.csv"
  check "$1: log.csv ends with a newline" \
    [ "$(tail -c 1 "$work/stopped/log.csv" | od -An -c | tr -d ' ')" = '\n' ]
  check "$1: info.txt says so" grep -q "^result = interrupted" "$work/stopped/info.txt"
  check "$1: a checkpoint is written" [ -s "$work/stopped/latest/state.safetensors" ]
  rm -rf "$work/stopped"
}

hangup() {
  if sh -c 'kill -HUP $$' 2>/dev/null; then
    echo "skipped: a closed terminal (hangups are ignored here)"
    return
  fi
  interrupt HUP
  write_spec "steps = 1000000"
  "$root/tools/sweep" "$work/tiny.spec" --out "$work/sweep" --jobs 1 --threads 1 \
    --train "$train" >"$work/stdout" 2>"$work/stderr" </dev/null &
  child=$!
  log=$work/sweep/tune/adamw/lr-0.01/seed-1/log.csv
  wait_for_rows "$log" 4
  kill -HUP "$child"
  wait "$child"
  code=$?
  check "HUP ends a sweep with exit 130 (got $code)" [ "$code" -eq 130 ]
  check "and stops its runs first" \
    grep -q "^result = interrupted" "$(dirname "$log")/info.txt"
  rm -rf "$work/sweep"
}

sweep_saves_nothing() {
  write_spec "save-every = 2"
  "$root/tools/sweep" "$work/tiny.spec" --steps 2 --out "$work/sweep" --train "$train" \
    >"$work/stdout" 2>"$work/stderr" </dev/null
  check "a sweep with save-every exits 2" [ $? -eq 2 ]
  check "and says why" says "save-every is set by the sweep itself: leave it out"
}

# A sweep writes its spec to its folder; this file can be used for another sweep.
kept_spec() {
  cp "$work/good.txt" "$work/x #y.txt"
  write_spec "data = \"$work/x #y.txt\""
  "$root/tools/sweep" "$work/tiny.spec" --steps 2 --out "$work/sweep" --jobs 1 --threads 1 \
    --train "$train" >"$work/stdout" 2>"$work/stderr" </dev/null
  check "a sweep of a text with # in its name" [ $? -eq 0 ]
  "$root/tools/sweep" "$work/sweep/sweep.spec" --print --out "$work/again" --train "$train" \
    >"$work/stdout" 2>"$work/stderr"
  check "and again from its sweep.spec: $(cat "$work/stderr")" \
    grep -qF -e "--data '$work/x #y.txt'" "$work/stdout"
  rm -rf "$work/sweep"
}

# Under nohup a run continues after its terminal closes.
nohup_keeps() {
  trap '' HUP
  start_long
  trap - HUP
  kill -HUP "$child"
  rows=$(rows_of "$work/stopped/log.csv")
  wait_for_rows "$work/stopped/log.csv" $((rows + 100))
  check "a run that ignores HUP continues" [ "$(rows_of "$work/stopped/log.csv")" -gt "$rows" ]
  kill -TERM "$child"
  wait "$child"
  check "until another signal stops it" says "interrupted after step"
  rm -rf "$work/stopped"
}

# plant FILE TENSOR BYTES: writes the first number of a tensor of a .safetensors file.
plant() {
  header=$(od -An -tu8 -N8 "$1" | tr -d ' ')
  at=$(tail -c +9 "$1" | head -c "$header" | tr '}' '\n' |
    sed -n "s/.*\"$2\":.*\"data_offsets\": *\[\([0-9]*\),.*/\1/p")
  # shellcheck disable=SC2059
  printf "$3" | dd of="$1" bs=1 seek=$((8 + header + at)) conv=notrunc 2>/dev/null
}

# The numbers that are planted, as float32 with the lowest byte first.
NAN='\000\000\300\177'
MINUS_100='\000\000\310\302'
HUGE='\231\166\226\176' # 1e38

# weights_to_plant FILE: those of a tiny run, without the checksums that our own files have.
weights_to_plant() {
  [ -e "$work/source" ] || trains source --steps 1
  "$root/tools/convert" --from "$work/source" --to "$work/own.safetensors" --format safetensors \
    >/dev/null
  LC_ALL=C sed 's/"crc32/"other/g' "$work/own.safetensors" >"$1"
}

divergence() {
  weights_to_plant "$work/nan.safetensors"
  plant "$work/nan.safetensors" h.0.mlp.c_fc.weight "$NAN"
  tiny --out "$work/diverged" --init "$work/nan.safetensors" --val-every 0
  check "a divergence exits 3 (got $code)" [ "$code" -eq 3 ]
  check "a divergence is reported in one line" one_line
  check "a divergence names the step" grep -q "step 1: diverged" "$work/stderr"
  check "a divergence names the tensor: $(cat "$work/stderr")" \
    says "first bad tensor: weights of h.0.mlp.c_fc.weight"
  check "a divergence is in info.txt" grep -q "^result = step 1: diverged" "$work/diverged/info.txt"
  check "a divergence leaves whole rows" \
    awk -F, 'NF != 11 { exit 1 }' "$work/diverged/log.csv"
}

# The last step makes a weight infinite, and no training loss after it shows that. The weight is
# 1e38 and its input GELU(-100) = 0, so that neither loss nor gradient sees it; decay multiplies it
# by -99.
last_step() {
  weights_to_plant "$work/huge.safetensors"
  plant "$work/huge.safetensors" h.0.mlp.c_fc.bias "$MINUS_100"
  plant "$work/huge.safetensors" h.0.mlp.c_proj.weight "$HUGE"
  tiny --out "$work/infinite" --init "$work/huge.safetensors" --steps 1 --optimizer sgd --lr 100 \
    --weight-decay 1 --clip 0.000001 --schedule constant --val-every 1
  check "weights infinite after the last step: exit 3 (got $code)" [ "$code" -eq 3 ]
  check "it names step and tensor: $(cat "$work/stderr")" \
    grep -q "step 1: diverged.*weights of h.0.mlp.c_proj.weight" "$work/stderr"
  check "it is in info.txt" grep -q "^result = step 1: diverged" "$work/infinite/info.txt"
  check "no checkpoint is written" [ ! -e "$work/infinite/latest" ]
  check "no NaN is printed" [ "$(grep -cw nan "$work/stdout")" -eq 0 ]
}

# ---- options that change a run, and options that must not ----

same_and_other() {
  trains base || return
  trains twin && check "the same seed gives the same bits" same_losses base twin
  trains muon --optimizer muon
  trains muon-twin --optimizer muon && check "with muon too" same_losses muon muon-twin
  trains other --seed 2 && check "another seed, other losses" differ base other
  trains config "@$work/base/config.txt" && check "config.txt repeats its run" \
    same_losses base config
  trains config-muon "@$work/muon/config.txt" && check "and one of muon" \
    same_losses muon config-muon
  trains micro --micro-batch 1 && check "--micro-batch 1 gives the losses of the whole batch" \
    near_losses base micro
  trains threads --threads 2 && check "2 threads give the losses of one" near_losses base threads
  trains novals --val-every 0 && check "validating changes no training loss" train_same base novals
  trains samples --sample-every 1 && check "samples change no loss" same_losses base samples
}

train_same() {
  cut -d, -f4 "$work/$1/log.csv" | grep . >"$work/left"
  cut -d, -f4 "$work/$2/log.csv" | grep . >"$work/right"
  cmp -s "$work/left" "$work/right"
}

# matters NAME VALUE [OPTIONS...]: the option changes the losses, against a run with OPTIONS alone.
matters() {
  option=$1
  value=$2
  shift 2
  rm -rf "$work/without" "$work/with"
  trains without "$@" && trains with "$@" "--$option" "$value" || return
  if same_losses without with; then bad "--$option $value changes nothing ($*)"
  else ok "--$option $value changes the losses"; fi
  if grep -qx "$option = $value" "$work/with/config.txt"; then ok "--$option is in config.txt"
  else bad "config.txt lacks $option = $value: $(grep "^$option " "$work/with/config.txt")"; fi
}

every_option() {
  matters optimizer sgd
  matters batch 3
  matters micro-batch 1 --clip 0
  matters steps 4
  matters tokens 160
  matters clip 0.01
  matters val-every 1
  matters val-tokens 128
  matters seed 3
  matters layers 2
  matters heads 4
  matters channels 24
  matters context 24
  matters vocab 300
  matters data "$work/good.txt"
  matters val "$work/good.txt"
  matters val-fraction 0.3 --data "$work/good.txt"
  matters separator "."
  matters order sequential
  matters data-seed 2
  matters lr 0.005
  matters weight-decay 0.7
  matters embedding-decay 0.3 --weight-decay 0.7
  matters aux-lr 0.02 --optimizer muon
  matters aux-beta1 0.5 --optimizer muon
  matters aux-beta2 0.5 --optimizer muon
  matters aux-eps 0.01 --optimizer muon
  matters qkv-split 1 --optimizer muon
  matters qkv-split heads --optimizer muon
  matters schedule linear
  matters warmup 2
  matters decay-fraction 0.9 --schedule wsd
  matters final-lr 0.5 --schedule linear
  matters momentum 0.5 --optimizer muon
}

# clipped NAME CLIP: info.txt has one line with the right number of clipped steps.
clipped() {
  awk -F, -v clip="$2" 'NR > 1 && $7 != "" { n++; if ($7 > clip) c++ }
    END { print "clipped_steps = " c + 0 " of " n }' "$work/$1/log.csv" >"$work/right"
  grep '^clipped_steps' "$work/$1/info.txt" | cmp -s - "$work/right"
}

clipped_steps() {
  rm -rf "$work/clip"
  trains clip --clip 1.3 --steps 12 || return
  check "info.txt counts clipped steps" clipped clip 1.3
  check "some steps are clipped and some not: $(cat "$work/right")" \
    grep -q -v -e ' = 0 of' -e ' = 12 of' "$work/right"
  "$train" --resume "$work/clip" --steps 20 >"$work/stdout" 2>"$work/stderr"
  check "and those before a resumption" clipped clip 1.3
  check "20 steps in total" grep -q 'of 20$' "$work/right"
  rm -rf "$work/clip"
}

# ---- the terminal ----

pipe() {
  tiny --out "$work/pipe" --steps 40
  check "in a pipe there are no carriage returns" [ "$(tr -cd '\r' <"$work/stdout" | wc -c)" -eq 0 ]
  check "in a pipe there are no escapes" [ "$(tr -cd '\033' <"$work/stdout" | wc -c)" -eq 0 ]
  check "in a pipe there are some lines a run, not one a step" \
    [ "$(grep -c '^step .*tok/s' "$work/stdout")" -le 25 ]
  check "nothing is on stderr" [ ! -s "$work/stderr" ]
}

# An unknown table or case is an error, not an empty table.
bench() {
  for wrong in 'tabel' 'steps nanno' 'steps nano more' 'steps --context x'; do
    # shellcheck disable=SC2086
    "$root/tools/bench" $wrong >"$work/stdout" 2>"$work/stderr"
    check "bench $wrong exits 2" [ $? -eq 2 ]
  done
  check "bench names the option" says "--context"
  "$root/tools/bench" tabel 2>"$work/stderr"
  check "bench tabel lists the tables" says "TABLE"
  "$root/tools/bench" parts --layers 1 --channels 16 --vocab 300 --context 16 --batch 2 \
    --rounds 1 >"$work/stdout" 2>"$work/stderr"
  check "bench parts with another model size" grep -q "attention, backward" "$work/stdout"
}

if [ ! -x "$train" ]; then
  echo "FAILED: ./train is not built, or this is not the project's root"
  exit 1
fi
make_data
help
options
bad_data
good_data
folders
full_disk
interrupt INT
interrupt TERM
hangup
nohup_keeps
sweep_saves_nothing
kept_spec
divergence
last_step
same_and_other
every_option
clipped_steps
pipe
bench
finish cli
