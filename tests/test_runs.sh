#!/bin/sh
# Unusual folders, signals and streams: nothing is lost, nothing outside a run's folder is changed,
# and text from files is never executed. Run from the
# project's root, where ./train and tools/ are built; arguments are names of parts to run alone.
# Tests: run/lock run/folder run/stop run/progress run/info
. tests/shell.sh
cd "$work" || exit 1
write_tiny tiny 4

trains() { run "$train" @tiny "$@"; }
long() { # in the background, until it has logged some steps
  folder=$1
  shift
  "$train" @tiny --out "$folder" --steps 100000000 --val-every 0 "$@" >stdout 2>stderr </dev/null &
  child=$!
  children="$children $child"
  wait_for_line "$folder/log.csv" '^3,'
}
ends() { # the code of the program in the background
  wait "$child"
  code=$?
}

# wait_for_line FILE PATTERN: a minute at most, and as long as the program runs.
wait_for_line() {
  tries=0
  while ! grep -qs -e "$2" "$1" && [ "$tries" -lt 1200 ] && kill -0 "$child" 2>/dev/null; do
    sleep 0.05
    tries=$((tries + 1))
  done
}

wait_for_file() {
  tries=0
  while [ ! -e "$1" ] && [ "$tries" -lt 1200 ] && kill -0 "$child" 2>/dev/null; do
    sleep 0.05
    tries=$((tries + 1))
  done
}

whole_rows() { awk -F, 'NF != 11 { bad = 1 } END { exit bad || NR < 2 }' "$1"; }
no_escapes() { [ "$(cat "$@" | tr -cd '\033' | wc -c)" -eq 0 ]; }

# ---- one writer ----

one_writer() {
  long locked
  for how in "--out locked --overwrite on" "--out locked" "--resume locked"; do
    # shellcheck disable=SC2086
    run "$train" $how --max-seconds 5
    check "a second writer is refused: $how" [ "$code" -eq 1 ]
    [ "$how" = "--out locked" ] && continue # it holds a run
    check "the error names the process: $how" \
      says "process $child on $(uname -n) writes to this folder"
  done
  kill -TERM "$child"
  ends
  check "the first run is not affected" [ "$code" -eq 130 ]
  check "its log has complete rows" whole_rows locked/log.csv
  long killed --save-every 5
  wait_for_file killed/latest
  kill -KILL "$child"
  ends
  run "$train" --resume killed --max-seconds 0.2
  check "a lock ends with its process" [ "$code" -eq 4 ]
  mkdir bare
  run "$train" --resume bare
  check "a folder without a run is not changed" [ -z "$(ls -A bare)" ]
}

# ---- links ----

fill() { mkdir -p "$1" && echo precious >"$1/model.safetensors" && echo precious >"$1/log.csv"; }
precious() { [ "$(cat "$1"/* | sort -u)" = precious ]; }

links() {
  trains --out linked --save-every 2
  fill outside
  rm linked/log.csv
  ln -s ../outside/log.csv linked/log.csv
  run "$train" --resume linked --steps 6
  check "a log that is a link is not continued" [ "$code" -eq 1 ]
  check "nor changed" precious outside
  rm -r linked/step-000002 linked/latest
  for name in step-000002 latest step-000009.set-aside .unfinished .removed .latest; do
    ln -s ../outside "linked/$name"
  done
  for name in config.txt.tmp info.txt.tmp spectrum.csv; do
    ln -s ../outside/log.csv "linked/$name"
  done
  trains --out linked --overwrite on --log-spectrum 1 --optimizer muon --save-every 1 --keep 1
  check "a folder full of links is replaced" [ "$code" -eq 0 ]
  check "the targets of the links are unchanged" precious outside
  check "its log is a file again" [ ! -L linked/log.csv ]
  trains --out elsewhere
  rm linked/latest
  ln -s ../elsewhere/step-000004 linked/latest
  run "$train" --resume linked/latest --steps 6
  check "a link latest to outside the run is refused" says "outside the run's folder"
}

# ---- folders without a run ----

foreign_folders() {
  mkdir foreign
  for name in config.txt info.txt spectrum.csv; do
    echo mine >"foreign/$name"
    trains --out foreign
    check "a folder with a $name and no run is refused" says "foreign/$name: the run would replace"
    check "and not changed" [ "$(ls -A foreign)" = "$name" ]
    rm "foreign/$name"
  done
  mkdir checkpoints
  mkdir checkpoints/step-000400
  trains --out checkpoints
  check "a folder with only a checkpoint too" says "already holds a run"
  mkdir closed
  : >closed/file
  trains --out closed/file/run
  check "a folder that cannot be created, with the reason" \
    says "closed/file: cannot create the folder"
  trains --out /sys/none/run
  check "the reason is that of the first failure" eval '! says "No such file"'
}

# ---- without links ----

same_model() {
  "$tools/convert" --from "$1" --to one.safetensors --format safetensors --heads 2 \
    --overwrite on >/dev/null && "$tools/convert" --from "$2" --to two.safetensors \
    --format safetensors --heads 2 --overwrite on >/dev/null && cmp -s one.safetensors \
    two.safetensors
}

without_links() {
  if ! cc -shared -fPIC -o no_symlink.so "$root/tests/preload/no_symlink.c" 2>stderr; then
    echo "skipped: a file system without links (no shared object can be built)"
    return
  fi
  LD_PRELOAD=$work/no_symlink.so trains --out plain --save-every 1
  check "without links a run succeeds" [ "$code" -eq 0 ]
  check "it reports this once" [ "$(grep -c 'latest: cannot be linked' stdout)" -eq 1 ]
  check "there is no link" [ ! -e plain/latest ]
  run "$train" --resume plain --steps 6
  check "it is resumed" prints "continues after step 4"
  rm plain/latest
  check "the newest is converted" same_model plain plain/step-000006
  run "$tools/generate" --from plain --tokens 3
  check "and generates" [ "$code" -eq 0 ]
  trains --init plain --out from-plain
  check "and begins another run" [ "$code" -eq 0 ]
  cp -rL from-plain copied
  run "$train" --resume copied --steps 6
  check "a copy in which latest became a folder is resumed" [ "$code" -eq 0 ]
  check "it reports that latest is not changed: $(grep latest stdout)" \
    prints "latest: cannot be linked"
  check "the newest is read, not that folder" same_model copied copied/step-000006
  head -c 3000 copied/step-000006/model.safetensors >part
  cp part copied/step-000006/model.safetensors
  run "$tools/generate" --from copied --tokens 3
  check "a truncated newest checkpoint is skipped with a message" \
    says "a newer checkpoint cannot be used: copied/step-000006"
  check "the one before it is used" [ "$code" -eq 0 ]
  rm -r copied/step-*
  run "$tools/generate" --from copied --tokens 3
  check "a folder latest without other checkpoints is read" [ "$code" -eq 0 ]
}

# ---- signals and limits ----

# A step of this model takes seconds.
slow() {
  rm -f stdout stderr
  "$train" @tiny --layers 2 --channels 512 --context 256 --batch 64 --steps 100 --out "$1" \
    --micro-batch "$2" --val-every 0 >stdout 2>stderr </dev/null &
  child=$!
  children="$children $child"
  wait_for_line stdout '^100 steps of'
}

signals() {
  slow first 0
  kill -STOP "$child" # so that both signals arrive in the same step
  kill -INT "$child"
  kill -TERM "$child"
  kill -CONT "$child"
  ends
  check "the first signal is answered at once" says "a second signal stops now"
  # shellcheck disable=SC2016
  check "the second ends the program at once (got $code)" \
    eval '[ "$code" -gt 128 ] && ! says "interrupted after"' # by the one that comes second
  slow micro 0
  kill -TERM "$child"
  ends
  check "a stop within a pass is detected" [ "$code" -eq 130 ]
  check "the unfinished step is dropped" says "interrupted after step 0 of 100"
  check "the steps before it are saved" [ -s micro/step-000000/state.safetensors ]
  rm -rf micro
}

limits() {
  "$train" --help >stdout
  check "--help lists the code of --max-seconds" \
    grep -q "^    4  stopped and saved after --max-seconds" stdout
  trains --out late --steps 100000000 --val-every 0 --max-seconds 0.2
  check "--max-seconds has its own exit code" [ "$code" -eq 4 ]
  run sh -c "ulimit -t 3; exec '$train' @tiny --out cpu --steps 100000000 --val-every 0"
  check "the limit on CPU time stops a run in time (got $code)" [ "$code" -eq 130 ]
  check "with a message" says "stopped by the CPU time limit after step"
  check "and saves" [ -s cpu/latest/state.safetensors ]
  run sh -c "ulimit -f 40; exec '$train' @tiny --out big --steps 100000000 --val-every 0"
  check "the limit on a file's size is an error, not a signal (got $code)" [ "$code" -eq 1 ]
  check "the error names the file" says "big/log.csv: cannot be written: File too large"
}

# ---- streams ----

broken_streams() {
  { "$train" @tiny --out piped --steps 400 2>stderr; echo $? >code; } | head -n 1 >stdout
  code=$(cat code)
  check "a closed pipe does not end training" [ "$code" -eq 0 ]
  check "it prints no error" [ ! -s stderr ]
  check "it saves a checkpoint" [ -s piped/latest/state.safetensors ]
  check "it logs all steps" grep -q '^400,' piped/log.csv
  "$train" @tiny --out full >/dev/full 2>stderr
  code=$?
  check "a full disk for standard output does not end training" [ "$code" -eq 0 ]
  check "it prints a warning" says "standard output cannot be written: No space left"
  "$train" @tiny --out closed-out >&- 2>stderr
  check "with standard output closed, log.csv has only rows" whole_rows closed-out/log.csv
  "$train" @tiny --out closed-all <&- >&- 2>&-
  check "with three closed streams too" whole_rows closed-all/log.csv
  check "and the run finishes" grep -qx "result = finished" closed-all/info.txt
}

# full COMMAND...: it cannot write its output and reports that.
full() {
  "$@" >/dev/full 2>stderr
  code=$?
  check "$(basename "$1") $2 >/dev/full: exit 1" [ "$code" -eq 1 ]
  check "with a message" says "standard output cannot be written"
}

full_output() {
  full "$train" --help
  full "$train" --list
  full "$train" --help muon
  full "$tools/generate" --from shown --tokens 3
  full "$tools/plot" shown
  full "$tools/compare" shown
  full "$tools/convert" --from shown --to full.bin --format llm.c
  full "$tools/tokenize" --help
  full "$tools/spectrum" --help
  full "$tools/bench" --help
  full "$tools/sweep" "$root/tools/specs/compare-quick.spec" --print --train "$train" --out none
}

shrinking_file() {
  "$tools/tokenize" --from "$root/README.md" --to tokens --vocab 257 >/dev/null 2>&1
  long shrinking --data tokens_000000.bin
  : >tokens_000000.bin
  ends
  check "a token file that becomes shorter is not a bus error (got $code)" [ "$code" -eq 1 ]
  check "it is named" says "tokens_000000.bin: cannot be read: the file became"
}

# ---- existing files ----

# keeps FILE COMMAND...: fails without --overwrite, and succeeds with it.
keeps() {
  file=$1
  shift
  mkdir -p "$(dirname "$file")"
  echo mine >"$file"
  run "$@"
  check "$(basename "$1") keeps $file" [ "$code" -eq 1 ]
  check "the error says what to do" says "use --overwrite on"
  check "the file is unchanged" [ "$(cat "$file")" = mine ]
  run "$@" --overwrite on
  check "with --overwrite on it is replaced" [ "$code" -eq 0 ]
  check "the file is a new one" [ "$(head -c 4 "$file")" != mine ]
}

existing_files() {
  keeps here.bin "$tools/convert" --from shown --to here.bin --format llm.c
  keeps here.safetensors "$tools/convert" --from shown --to here.safetensors --format safetensors
  keeps here/config.json "$tools/convert" --from shown --to here
  run "$tools/convert" --from shown --to here
  check "convert does not replace its own output either" [ "$code" -eq 1 ]
  keeps here.csv "$tools/tokenize" --from "$root/README.md" --to here.csv \
    --format nanogpt --vocab 257
  mkdir -p swept
  echo mine >swept/sweep.spec
  run "$tools/sweep" "$root/tools/specs/compare-quick.spec" --out swept --train "$train"
  check "sweep keeps a sweep.spec that is not its own" says "swept/sweep.spec: already exists"
  if ! command -v gnuplot >/dev/null; then
    echo "skipped: figures (no gnuplot)"
    return
  fi
  keeps study/converge.csv "$tools/spectrum" converge --shape 8x8 --steps 2 --out study
  keeps here.svg "$tools/plot" shown --out here.svg
  run "$tools/plot" shown --out here.svg
  check "plot replaces its own picture" [ "$code" -eq 0 ]
  keeps here.html "$tools/compare" shown --html here.html
  run "$tools/compare" shown --html here.html
  check "compare replaces its own page" [ "$code" -eq 0 ]
  keeps figures/loss-steps.svg "$tools/compare" shown --figures figures
}

# ---- text from files ----

hostile_run() {
  trains --out 'evil/<img src=x>'"'"'"%s{a}_b^c@'
  trains --out evil/plain --seed 2
  for folder in evil/*; do
    esc=$(printf '\033[31mred\233')
    sed -i -e "s|^schedule = .*|schedule = <script>alert(1)</script>$esc|" \
      -e "s|^optimizer = .*|optimizer = <script>'\"$esc|" \
      -e 's|^data = .*|data = </p><script src=x>\&"|' "$folder/config.txt"
    for name in layers heads channels context vocab steps batch warmup model; do
      sed -i "s|^$name = .*|$name = <script>$esc|" "$folder/config.txt"
    done
  done
}

hostile_files() {
  hostile_run
  for format in text markdown csv html; do
    run "$tools/compare" evil --format "$format"
    check "compare reads it as $format" [ "$code" -eq 0 ]
    check "$format: no escapes on the terminal" no_escapes stdout stderr
  done
  check "html: no element from a file" eval '! grep -q "<script\|<img" stdout'
  run "$tools/plot" evil/nowhere"$(printf '\033[31m')"
  check "no escapes in an error" no_escapes stdout stderr
  if ! command -v gnuplot >/dev/null; then return; fi
  run "$tools/compare" evil --html evil.html --figures pictures
  check "a page is written" [ "$code" -eq 0 ]
  check "page: no element from a file" eval '! grep -q "<script>alert\|<script [^>]\|<img" evil.html'
  check "page: the name is in it" grep -q "&lt;script&gt;" evil.html
  check "page and figures: no escapes" no_escapes evil.html pictures/*.svg
  check "figures: no element from a file" eval '! grep -q "<script\|<img" pictures/*.svg'
  run "$tools/plot" evil/* --title "50%s it's {/Bold x}" --width 300 --height 40
  check "plot draws it" [ "$code" -eq 0 ]
  check "plot: no escapes" no_escapes stdout stderr
}

# Text of a model, which may contain any bytes, on a terminal.
hostile_text() {
  if ! script -qec true /dev/null >/dev/null 2>&1; then
    echo "skipped: a terminal (there is no script)"
    return
  fi
  : >piped.txt
  : >stdout
  for seed in 1 2 3 4 5 6 7 8; do
    set -- "$tools/generate" --from shown --tokens 500 --temperature 100 --seed "$seed"
    "$@" >>piped.txt 2>stderr
    script -qec "$*" /dev/null >>stdout
  done
  check "a model may write any character into a pipe" eval '! no_escapes piped.txt'
  check "but no control character to a terminal" no_escapes stdout
}

# ---- printed commands ----

# The command after these words can be pasted into a shell.
printed() {
  command=$(cat "$work/stdout" "$work/stderr" | sed -n "s/.*\\($1.*\\)$2/\\1/p" | tail -n 1)
  (PATH=$root:$PATH; eval "$root/$command") >output 2>&1
}

printed_commands() {
  mkdir names
  cd names || exit 1
  for name in 'a b' "it's \$HOME" -x @x '#x'; do
    run "$train" @../tiny "--out=$name"
    check "plot's command for $name" printed "tools\\/plot " " draws it"
    run "$train" @../tiny "--out=$name" --overwrite on --steps 100000000 --max-seconds 0.1
    check "resume's command for $name" [ "$code" -eq 4 ]
    command=$(sed -n 's/.*\(train --resume .*\)/\1/p' "$work/stderr")
    (eval "$root/$command --max-seconds 0.1") >output 2>&1
    check "it resumes: $command: $(tail -n 1 output)" [ $? -eq 4 ]
  done
  cd "$work" || exit 1
}

trains --out shown
[ $# -gt 0 ] || set -- one_writer links foreign_folders without_links signals limits \
  broken_streams full_output shrinking_file existing_files hostile_files hostile_text \
  printed_commands
for part in "$@"; do
  "$part"
done
finish runs
