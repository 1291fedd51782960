#!/bin/sh
# tools/plot: which runs it reads, its pictures and its messages. The logs are written by
# hand. Run from the project's root.
. tests/shell.sh
cd "$work" || exit 1

# make_run FOLDER OPTIMIZER LAST STEPS [OPTION=VALUE...]: a run with rows to step LAST of STEPS, a
# validation at every tenth step, and losses from 8 to $end (4).
make_run() {
  folder=$1 optimizer=$2 last=$3 steps=$4
  shift 4
  mkdir -p "$folder"
  { echo "optimizer = $optimizer"
    echo "steps = $steps"
    for option in "$@"; do echo "${option%%=*} = ${option#*=}"; done
  } >"$folder/config.txt"
  echo 'val_bytes_per_token = 3' >"$folder/info.txt"
  [ "$last" -eq "$steps" ] && echo 'result = finished' >>"$folder/info.txt"
  awk -v last="$last" -v end="${end:-4}" 'BEGIN {
    print "step,tokens,seconds,train_loss,val_loss,lr,grad_norm,forward_ms,backward_ms," \
          "optimizer_ms,tokens_per_s"
    print "0,0,,,8,,,,,,"
    for (i = 1; i <= last; i++)
      print i "," i * 5000 "," i / 10 "," end + 4 / i "," (i % 10 ? "" : end + 0.25 + 4 / i) \
            ",0.01,1.5,10,20,5,50000"
  }' >"$folder/log.csv"
}

plot() { run "$tools/plot" "$@"; }

# draws WORDS RUN OPTION...: the picture as SVG has the words.
draws() {
  words=$1
  shift
  plot "$@" --out picture.svg
  if [ "$code" -eq 0 ] && grep -qF -e "$words" picture.svg; then ok "draws $words"
  else bad "the picture of $* must have \"$words\": $(output)"; fi
}

lacks() { check "no $1" eval "! grep -qF -e '$1' picture.svg"; }

make_run runs/a adamw 50 50 lr=0.01 data=austen model=nano batch=4 context=8 weight-decay=0.1
make_run runs/b muon 50 50 lr=0.02 data=austen model=nano batch=4 context=8 weight-decay=0
make_run cut adamw 23 3000

values() {
  draws '>adamw 4.330</text>' runs/a runs/b
  draws '>200 k<' runs/a --x tokens
  draws '>austen, nano, 50 steps of 32 tokens</text>' runs/a runs/b
  draws '>my caption</text>' runs/a --caption 'my caption'
  draws '>perplexity of the validation text</text>' runs/a --y perplexity
  draws '>adamw 2.082</text>' runs/a --y bits # 4.33 nats / ln 2 / 3 bytes
  draws '>adamw 0.01</text>' runs/a --y lr --log y
  for y in loss val train grad_norm tokens_per_s forward_ms backward_ms optimizer_ms; do
    draws '>adamw ' runs/a --y $y --smooth 5
  done
  answers 1 '--y bits --x steps: no log of these runs has both' "$tools/plot" cut/log.csv --y bits
  answers 2 'choose one of loss|val' "$tools/plot" runs/a --y nothing
  answers 2 '--class has no effect' "$tools/plot" runs/a --class mlp.c_fc
}

unfinished() {
  draws '>adamw: 4.450 at step 20 of 3000</text>' cut
  check 'it is dashed' grep -q stroke-dasharray picture.svg
  draws '>adamw: 4.174 at step 23 of 3000</text>' cut --y train
  make_run early adamw 7 3000
  draws '>adamw: 4.571 at step 7 of 3000</text>' early # no validation after step 0
}

differences() {
  plot runs/a runs/b
  check 'the settings that differ are listed' prints 'Settings in which the runs differ:'
  check 'the rate' prints '0.01 (adamw), 0.02 (muon)'
  check 'and the weight decay' prints 'weight-decay'
  plot runs/a
  check 'of one run there are none' eval '! prints "Settings in which"'
}

# The newest run, folders and archives.
paths() {
  touch -d '2001-01-01' runs/a/log.csv
  draws '>muon 4.330</text>'
  lacks adamw
  mkdir -p none && cd none || exit 1
  answers 1 'there are no runs in runs/' "$tools/plot"
  cd ..
  make_run sweep/tune/sgd/lr-1/seed-1 sgd 10 10
  : >sweep/sweep.spec
  draws '>sgd 4.650</text>' sweep
  make_run sweep/final/adamw/lr-1/seed-2 adamw 10 10
  draws '>adamw 4.650</text>' sweep
  lacks 'sgd 4'
  tar -czf sweep.tar.gz -C sweep final
  draws '>adamw 4.650</text>' sweep.tar.gz
}

highlighting() {
  end=4
  for name in muon soap sumo adago dion dion2 lion galore root; do
    make_run "many/$name" "$name" 20 20
    end=$(echo "$end" | awk '{ print $1 + 0.1 }')
  done
  draws 'rgb(185, 185, 185)' many
  draws '>sumo 4.650</text>' many --highlight 'soap sumo' # the others are grey
  check 'those named are in colour' grep -q 'rgb(  0, 158, 115)' picture.svg
  check 'with symbols' grep -q gpPt picture.svg
  draws '>dion2 4.950</text>' many --highlight 'soap dion2' --x tokens
  answers 1 '--highlight sume: there is no such method or run' "$tools/plot" many --highlight sume
  make_run many/mine mine 20 20
  draws 'rgb(230,   0, 126)' many # own methods are always in colour
}

formats() {
  plot runs/a --out x.pdf
  check 'a PDF file is a PDF' sh -c 'head -c 5 x.pdf | grep -q %PDF-'
  plot runs/a --out x.pdf
  check 'plot replaces its own PDF' test "$code" -eq 0
  plot runs/a --out x.png
  check 'a PNG file is a PNG' sh -c 'head -c 4 x.png | grep -q PNG'
  answers 1 'must end in .png, .svg or .pdf' "$tools/plot" runs/a --out x.gif
}

# No line is wider than the terminal, and no text from a file controls it.
terminal() {
  for width in 60 80 140; do
    "$tools/plot" many --width "$width" | sed '/^Settings/,$d' >text
    longest=$(awk 'length > most { most = length } END { print most }' text)
    check "$width columns: $longest" test "$longest" -le "$width"
    check "it names muon" grep -q '[A-Z] muon' text
  done
  make_run evil muon 20 20 data="$(printf 'x\033[31m')" model="$(printf '\233y')"
  "$tools/plot" evil runs/b >text 2>&1
  check 'no control characters' eval '! LC_ALL=C grep -q "[[:cntrl:]]" text'
}

if command -v gnuplot >/dev/null; then
  values
  unfinished
  differences
  paths
  highlighting
  formats
  terminal
else
  echo 'skipped: there is no gnuplot'
fi
finish plot
