#!/bin/sh
# The comparison tools: sweeps that are stopped and continued, bad logs, the page.
# Run from the project's root, where ./train and tools/ are built.
. tests/shell.sh
cd "$work" || exit 1
ln -s "$root/train" train

cat >tiny.spec <<'END'
# a comparison of seconds
optimizers = adamw sgd
rates = 3
seeds = 2
extend = 1
sgd.lr = 0.1 0.4 1e6
sgd.clip = 0
sgd.warmup = 2
layers = 1
heads = 2
channels = 16
context = 16
vocab = 257
batch = 2
steps = 30
warmup = 0
val-every = 10
val-tokens = 256
END

sweep() { "$tools/sweep" tiny.spec --jobs 1 --threads 1 "$@"; }

# The part of the table that does not depend on the machine's speed.
table() { "$tools/compare" "$1" --format csv | cut -d, -f 1-17 | sed 's/,[^,]*$//'; }

# diverged_run: the sweep's run of sgd at 1e6, with a hand-written log: whether and where a real run
# overflows depends on the processor.
diverged_run() {
  sweep --out whole --print 2>/dev/null | grep -e '--lr 1e6' >command.txt
  sh command.txt >/dev/null 2>&1
  log=whole/tune/sgd/lr-1e6/seed-1/log.csv
  { sed -n 1,2p $log; echo '1,32,0.1,5.5,,500000,1.5,1,1,1,16000'; echo '2,64,,nan,,,,1,1,,'; } \
    >diverged.csv
  mv diverged.csv $log
}

whole_sweep() {
  diverged_run
  sweep --out whole >whole.txt 2>&1
  check "a sweep succeeds" test $? -eq 0
  check "a run that diverges is a result" grep -q '^done: .*, 1 of them diverged' whole.txt
  check "a best rate at the edge is reported" grep -q 'is at the edge' whole.txt
  n=$(find whole/final -name log.csv | wc -l)
  check "final runs of fresh seeds: $n" test "$n" -eq 4
  a=$("$tools/compare" whole --format csv | awk -F, '$1 == "adamw" { print $12 }')
  s=$("$tools/compare" whole --format csv | awk -F, '$1 == "sgd" { print $12 }')
  check "the same number of trials for all: $a and $s" test "$a" = "$s"
  a=$(sed -n 2p whole/final/adamw/*/seed-101/log.csv)
  s=$(sed -n 2p whole/final/sgd/*/seed-101/log.csv)
  check "the same seed starts from the same weights" test "$a" = "$s"
}

# Starts the sweep in the background without a shell around it, so that $! is the process to kill.
start_sweep() {
  "$tools/sweep" tiny.spec --jobs 1 --threads 1 --out killed >killed.txt 2>&1 &
  pid=$!
}

# Kills the sweep after it has begun 2, 4 and 6 runs, each time with another signal, then lets it
# finish.
killed_sweep() {
  runs=0
  for signal in KILL TERM INT; do
    runs=$((runs + 2))
    start_sweep
    while kill -0 "$pid" 2>/dev/null &&
      [ "$(find killed -name log.csv 2>/dev/null | wc -l)" -lt "$runs" ]; do
      sleep 0.02
    done
    kill -s "$signal" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    code=$?
    check "SIG$signal ends the sweep before its time: $code" test "$code" -gt 128
  done
  start_sweep
  check "a killed sweep continues to its end" wait "$pid"
  table whole >whole.csv
  table killed >killed.csv
  check "a sweep killed and continued gives the same table" cmp whole.csv killed.csv
  runs=$(find killed -name log.csv | wc -l)
  sweep --out killed >again.txt 2>&1
  check "a finished sweep has nothing to do" grep -q "^done: $runs runs" again.txt
}

# Without runs on new seeds, the best trial of each method is compared and marked as a trial.
tuning_alone() {
  mkdir tuned
  cp -R whole/tune tuned
  answers 0 'No evaluation seeds yet' "$tools/compare" tuned
  rate() { "$tools/compare" "$1" --format csv | sed -n "s/^$2,\([^,]*\),.*/\1/p"; }
  check "the trial judged is the one that the sweep chose" \
    test "$(rate tuned adamw) $(rate tuned sgd)" = "$(rate whole adamw) $(rate whole sgd)"
}

# Runs the commands of --print in a shell instead of in the sweep.
printed_sweep() {
  for round in 1 2 3 4 5 6; do
    sweep --out printed --print >commands.txt 2>/dev/null
    [ -s commands.txt ] || break
    sh commands.txt >/dev/null 2>&1
  done
  check "--print comes to an end (round $round)" test ! -s commands.txt
  table printed >printed.csv
  check "printed commands give the same table" cmp whole.csv printed.csv
}

# The files that tools/archive.sh keeps, and a log that is gzipped in its folder.
archived_sweep() {
  cp -R whole gzipped
  find gzipped -name log.csv -exec gzip {} +
  table gzipped >gzipped.csv
  check "gzipped logs give the same table" cmp whole.csv gzipped.csv
  answers 0 'results/kept: ' sh "$tools/archive.sh" whole kept
  tar -xzf results/kept/runs.tar.gz -C results/kept
  "$tools/compare" whole --format csv >whole-times.csv
  "$tools/compare" results/kept --format csv >kept.csv
  check "an archive gives the same table, with its times" cmp whole-times.csv kept.csv
  "$tools/compare" results/kept/runs.tar.gz --format csv >kept.csv
  check "also when it is named itself" cmp whole-times.csv kept.csv
  n=$(find results/kept whole -name log.csv | wc -l)
  check "it holds every run" test "$n" -eq $((2 * runs))
  cp results/kept/runs.tar.gz before.tar.gz
  sh "$tools/archive.sh" whole kept >/dev/null
  check "the same runs give the same archive" cmp before.tar.gz results/kept/runs.tar.gz
  answers 1 'holds no sweep.spec' sh "$tools/archive.sh" whole/final again
  answers 0 'results/questions/kept: ' sh "$tools/archive.sh" whole questions/kept
  answers 1 'invalid folder name' sh "$tools/archive.sh" whole other/kept
}

# Runs and folders on the command line.
several_paths() {
  a='whole/final/adamw/*/seed-101'
  s='whole/final/sgd/*/seed-102'
  # shellcheck disable=SC2086
  n=$("$tools/compare" $a $s --format csv | wc -l)
  check "single runs are compared" test "$n" -eq 3
  mkdir -p deep/er
  cp -R whole deep/er/whole
  table deep >deep.csv
  check "nested folders are searched, also for sweeps" cmp whole.csv deep.csv
  answers 2 'name runs or folders of runs' "$tools/compare"
  answers 2 '--every has no effect' "$tools/compare" whole --every 3
  echo text >text.tar.gz
  answers 1 'tar cannot unpack it' "$tools/compare" text.tar.gz
}

# A page that is updated while runs train.
watched_page() {
  mkdir later
  "$tools/compare" --watch later --every 1 --html watch/page.html 2>watch.txt &
  children=$!
  wait_for() { for _ in $(seq 300); do "$@" && return; sleep 0.1; done; false; }
  check "a page waits for runs" wait_for grep -qs 'waiting for runs' watch.txt
  cp -R whole/final/adamw/*/seed-101 later/a
  head -n 15 later/a/log.csv >later/part.csv && mv later/part.csv later/a/log.csv
  sed '/^result/d' later/a/info.txt >later/info && mv later/info later/a/info.txt
  check "and shows how far they are" wait_for grep -qs '<td>[0-9.]* at step 10 of 30' \
    watch/page.html
  check "it reloads itself" grep -q 'http-equiv="refresh" content="1"' watch/page.html
  kill "$children"
  wait "$children" 2>/dev/null
  children=
}

# The figures and tables of README and docs, from archives alone.
redrawn_report() {
  mkdir -p redrawn/results/kept redrawn/results/questions redrawn/tools
  mv results/questions/kept redrawn/results/questions
  ln -s "$tools/compare" redrawn/tools/compare
  cp results/kept/runs.tar.gz results/kept/sweep.spec redrawn/results/kept
  cd redrawn || exit 1
  printf '%s\n' '![](results/kept/rates.svg)' '<!-- results/kept/table.md -->' old \
    '<!-- end -->' tail >README.md
  answers 0 'results/kept: 1 figures, table.md' sh "$tools/report.sh"
  check "README's own copy of the table is renewed" sh -c \
    'grep -q "^| adamw" README.md && grep -q "^tail" README.md && ! grep -q "^old" README.md'
  check "also what is in results/questions" test -s results/questions/kept/table.md
  mkdir docs
  printf '%s\n' '<!-- results/kept/table.md: adamw -->' old '<!-- end -->' tail >docs/page.md
  sh "$tools/report.sh" >/dev/null
  # shellcheck disable=SC2016
  check "a page may name the rows that it shows" sh -c \
    'grep -q "^| .adamw. |" docs/page.md && grep -q "^tail" docs/page.md &&
     [ "$(grep -c "^|" docs/page.md)" -eq 3 ] && ! grep -q "^old" docs/page.md'
  check "and only the figures that it names are drawn" test -e results/kept/rates.svg
  cp -R . ../redrawn-before
  sh "$tools/report.sh" >/dev/null
  check "redrawing changes nothing" diff -r . ../redrawn-before
  printf '%s\n' '<!-- results/kept/table.md -->' >README.md
  answers 1 'is not followed by a line' sh "$tools/report.sh"
  printf '%s\n' '<!-- results/kept/table.md: lamb -->' '<!-- end -->' >README.md
  answers 1 'names lamb, which results/kept/table.md has not' sh "$tools/report.sh"
  cd .. || exit 1
}

bad_specs() {
  printf 'optimizers = adamw nothing\n' >bad.spec
  answers 2 'nothing' "$tools/sweep" bad.spec
  printf 'optimizers = adamw\nlayer = 3\n' >bad.spec
  answers 2 'did you mean --layers?' "$tools/sweep" bad.spec
  printf 'optimizers = adamw sgd\nsgd.lr = 1 2\n' >bad.spec
  answers 2 'the same number; unequal = on allows it' "$tools/sweep" bad.spec
  printf 'optimizers = adamw\nseed = 3\n' >bad.spec
  answers 2 'set by the sweep itself' "$tools/sweep" bad.spec
  printf 'optimizers = adamw\nmuon.lr = 3\n' >bad.spec
  answers 2 'there is no "muon" among the optimizers' "$tools/sweep" bad.spec
  printf 'optimizers = adamw muon\nmuon.lr = 3\nsteps = 4\nunequal = on\n' >fewer.spec
  answers 0 '--optimizer adamw' "$tools/sweep" fewer.spec --optimizers adamw --print --out fewer
  answers 2 'there is no "muon" among the optimizers' \
    "$tools/sweep" bad.spec --optimizers adamw --print --out fewer
  answers 2 'cannot be opened' "$tools/sweep" missing.spec
  answers 2 'name one spec' "$tools/sweep"
  answers 1 'holds a run with steps = 30, and the spec says 31' \
    "$tools/sweep" tiny.spec --out whole --steps 31
  answers 1 'not a program' "$tools/sweep" tiny.spec --out elsewhere --train nowhere
}

# A short run.
tiny() {
  ./train --layers 1 --heads 2 --channels 8 --context 16 --vocab 257 --batch 2 --steps 30 \
    --warmup 0 --val-every 10 --val-tokens 256 --threads 1 "$@" >/dev/null
}

# The folders are copies of a good run with a bad log.
bad_logs() {
  good=$(find whole/final/adamw -name log.csv | head -n 1)
  for kind in empty truncated foreign broken zeros twice; do
    mkdir -p "bad/$kind"
    cp "$(dirname "$good")/config.txt" "bad/$kind"
  done
  : >bad/empty/log.csv
  head -c 400 "$good" >bad/truncated/log.csv
  printf 'epoch,loss\n1,2\n' >bad/foreign/log.csv
  sed '5s/^\([^,]*\),[^,]*/\1,x/' "$good" >bad/broken/log.csv
  head -c 1000 /dev/zero >bad/zeros/log.csv
  { cat "$good"; sed 1d "$good"; } >bad/twice/log.csv
  mkdir bad/nothing
  answers 1 'bad/empty/log.csv: the file is empty' "$tools/plot" bad/empty
  answers 1 'bad/foreign/log.csv, line 1: this is not a log' "$tools/plot" bad/foreign
  answers 1 'bad/broken/log.csv, line 5: "x" in column tokens' "$tools/plot" bad/broken
  answers 1 'bad/zeros/log.csv: not a CSV file' "$tools/plot" bad/zeros
  answers 1 'the file holds more than one run' "$tools/plot" bad/twice
  answers 1 'bad/nothing: there are no runs in it' "$tools/plot" bad/nothing
  answers 1 'there is no such run' "$tools/plot" bad/missing
  answers 0 'bad/nothing: there are no runs in it' \
    "$tools/plot" whole/final/adamw/*/seed-101 bad/nothing
  answers 0 'bad.spec: there are no runs in it' "$tools/plot" bad.spec "$good"
  answers 1 'there is no such run' "$tools/plot" "$good" bad/missing
  answers 1 'no run among these 2 paths' "$tools/plot" bad/nothing bad.spec
  answers 0 'Left out: bad/broken/log.csv, line 5' "$tools/compare" bad
  answers 0 '1 of 1 runs unfinished' "$tools/compare" bad
  answers 1 'there are no runs in it' "$tools/compare" bad/nothing
  cp -R "$(dirname "$good")" bad/cut
  head -n -9 "$good" >bad/cut/log.csv
  answers 0 'bad/cut: the run finished, but its log ends at step 21 of 30: the rest is lost.' \
    "$tools/compare" bad
  answers 0 'bad/truncated is not counted: it has the settings and the seed of bad/cut.' \
    "$tools/compare" bad
  answers 0 'bad/cut: the run finished, but its log ends' "$tools/plot" bad/cut
  rm -r bad/cut
  answers 1 'there is no such folder or run' "$tools/compare" bad/missing
  mkdir -p mixed
  cp -R whole/final/adamw mixed
  tiny --out mixed/other
  answers 1 'their losses cannot be compared; use --mix on to compare them anyway' \
    "$tools/compare" mixed
  answers 0 'the runs differ in channels' "$tools/compare" mixed --mix on
  tiny --out kept/1 --seed 1 --keep 1
  tiny --out kept/2 --seed 2 --max-seconds 60
  n=$("$tools/compare" kept --format csv | sed -n 's/^adamw,[^,]*,[^,]*,[^,]*,\([0-9]*\),.*/\1/p')
  check "options without effect on losses do not split the seeds: $n" test "$n" = 2
}

no_gnuplot() {
  mkdir empty
  answers 1 'apt-get install gnuplot-nox' env PATH="$work/empty" "$tools/plot" \
    whole/final/adamw/*/seed-101
}

# Every method's curve has a label, even with too many methods for one figure.
many_methods() {
  mkdir many
  tar -xzf "$root/results/nano/runs.tar.gz" -C many
  cp "$root/results/nano/sweep.spec" many
  "$tools/compare" many --figures many-figures >many.txt
  count=0
  missing=
  sed -n '2,/^$/s/ .*//p' many.txt | grep . >names.txt
  while read -r name; do
    count=$((count + 1))
    grep -q ">$name<" many-figures/rates.svg || missing="$missing $name"
  done <names.txt
  all=$(find many/final -mindepth 1 -maxdepth 1 | wc -l)
  check "rates.svg names all $all methods, not only $count; missing:$missing" \
    test "$count$missing" = "$all"
}

figures() {
  if ! command -v gnuplot >/dev/null 2>&1; then
    echo "no gnuplot: figures not tested"
    return
  fi
  answers 0 'adamw' "$tools/plot" whole/final/adamw/*/seed-101 whole/final/sgd/*/seed-101
  answers 0 'a b.png' "$tools/plot" whole/final/*/*/seed-101 --out 'a b.png' \
    --title "it's \`false\`"
  check "a PNG file is a PNG" sh -c 'head -c 4 "a b.png" | grep -q PNG'
  answers 1 'must end in .png, .svg or .pdf' "$tools/plot" whole/final/adamw/*/seed-101 --out x.gif
  for name in forest loss-steps loss-end loss-tokens loss-seconds loss-flops rates time memory; do
    answers 0 'adamw' "$tools/compare" whole --draw "$name"
  done
  many_methods
  redrawn_report
  page
  watched_page
}

page() {
  answers 0 'page.html' "$tools/compare" whole --html page.html
  n=$(grep -c '<svg' page.html)
  check "the page holds all figures: $n" test "$n" -eq 9
  check "the page lists the settings that differ" \
    grep -Eq '<td>warmup</td><td>.*(2 \(sgd\)|0 \(adamw\))' page.html
  check "the page loads no other files" sh -c \
    '! grep -Eio "(src|href)=.?(https?:)?//[^ ]*|<script [^>]*src|<link|@import" page.html'
  chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
  if [ -z "$chromium" ]; then
    echo "no chromium: the page was not opened"
    return
  fi
  # A script at the end of the page sorts the first table and writes what the browser shows into
  # the title.
  { cat page.html; cat <<'END'
<script>
let shown = 0;
for (const svg of document.querySelectorAll("figure svg")) {
  const box = svg.getBoundingClientRect();
  if (box.width > 300 && box.height > 80 && svg.querySelectorAll("path").length > 3) shown++;
}
const rows = document.querySelectorAll("table tbody tr").length;
const first = () => document.querySelector("tbody td").textContent;
document.querySelector("th").click();
const up = first();
document.querySelector("th").click();
document.title = "shown " + shown + ", rows " + rows + ", sorted " + up + " " + first();
</script>
END
  } >probe.html
  "$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
    --virtual-time-budget=5000 --dump-dom "file://$work/probe.html" >dom.html 2>browser.txt
  check "a browser shows every figure and table, and sorts it" \
    grep -Eq '<title>shown 9, rows [0-9]+, sorted adamw sgd</title>' dom.html
  check "without errors" sh -c '! grep -q "CONSOLE.*rror" browser.txt'
}

whole_sweep
killed_sweep
printed_sweep
tuning_alone
archived_sweep
several_paths
bad_specs
bad_logs
no_gnuplot
figures
finish compare
