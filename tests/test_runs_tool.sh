#!/bin/sh
# tools/runs: states, order, formats, and widths of a terminal. Run from the project's root.
. tests/shell.sh
cd "$work" || exit 1
write_tiny tiny 6

runs() { run "$tools/runs" "$@"; }

# state_is STATE FOLDER
state_is() {
  state=$("$tools/runs" "$2" --format csv | sed -n 2p | awk -F, '{ print $(NF - 5) }')
  check "$2 is $1: $state" test "$state" = "$1"
}

states() {
  "$train" @tiny --out runs/a >/dev/null
  state_is finished runs/a
  cp -R runs/a runs/b
  sed -i '/^result/d' runs/b/info.txt
  state_is unfinished runs/b
  cp -R runs/a runs/c
  sed -i 's/^result = .*/result = stopped by a signal/; ' runs/c/info.txt
  state_is stopped runs/c
  sed -i 's/^result = .*/result = the run diverged at step 3/' runs/c/info.txt
  state_is diverged runs/c
  "$train" @tiny --optimizer muon --steps 1000000 --out runs/d >/dev/null 2>&1 &
  child=$!
  children="$children $child"
  while ! grep -q '^3,' runs/d/log.csv 2>/dev/null && kill -0 "$child"; do sleep 0.05; done
  state_is running runs/d
  kill -9 "$child"
  wait "$child" 2>/dev/null
  state_is unfinished runs/d
}

# order SORT METHODS: the methods of runs/ in this order.
order() {
  got=$("$tools/runs" --sort "$1" --format csv | sed 1d | cut -d, -f1 | tr '\n' ' ')
  check "--sort $1: $got" test "$got" = "$2"
}

table() {
  sed -i '$d' runs/b/log.csv
  printf '6,192,9,5,1.5,,,,,,9e9\n' >>runs/b/log.csv
  order name 'runs/a runs/b runs/c runs/d '
  order method 'runs/a runs/b runs/c runs/d '
  order state 'runs/c runs/a runs/b runs/d '
  check 'the lowest loss is first' test "$("$tools/runs" --sort val --format csv |
    sed -n 2p | cut -d, -f1)" = runs/b
  head -c 100000 /dev/zero >runs/c/large
  check 'the largest is first' test "$("$tools/runs" --sort size --format csv |
    sed -n 2p | cut -d, -f1)" = runs/c
  touch -d '2030-01-01' runs/a/log.csv
  check 'the last written is first' test "$("$tools/runs" --sort time --format csv |
    sed -n 2p | cut -d, -f1)" = runs/a
  runs
  check 'what differs is shown' prints 'steps 1000000'
}

formats() {
  runs --format json
  if command -v python3 >/dev/null; then
    check 'JSON is JSON' python3 -c "import json
rows = json.load(open('stdout'))
assert [r['state'] for r in rows] == ['finished', 'unfinished', 'diverged', 'unfinished'], rows
assert rows[0]['step'] == 6 and rows[1]['val_loss'] == 1.5, rows"
  fi
  sed -i "s/^data = .*/data = \"$(printf '\033')[31mx,y\\\\\"/" runs/b/config.txt
  for format in text csv json; do
    "$tools/runs" --format $format >text
    check "$format: no control characters" eval '! LC_ALL=C grep -q "[[:cntrl:]]" text'
  done
  answers 2 'choose one of text|csv|json' "$tools/runs" --format html
  mkdir none
  answers 1 'there is no folder runs/' env -C none "$tools/runs"
  answers 1 'nowhere: there is no such folder or run' "$tools/runs" nowhere
  answers 1 '--watch needs a terminal' "$tools/runs" --watch
  answers 2 '--watch has no effect' "$tools/runs" --watch 3 --format csv
}

widths() {
  if ! script -qec true /dev/null >/dev/null 2>&1; then
    echo 'skipped: there is no script'
    return
  fi
  for width in 40 60 80 140; do
    script -qec "stty cols $width; '$tools/runs'" /dev/null </dev/null | tr -d '\r' >text
    longest=$(awk 'length > most { most = length } END { print most }' text)
    check "$width columns: $longest" test "$longest" -le "$width"
    check "$width columns show the state" grep -q 'finished' text
  done
  script -qec "stty cols 80 rows 24; timeout 3 '$tools/runs' --watch 1" /dev/null </dev/null >text
  check 'watching shows it again' test "$(grep -c 'val loss' text)" -gt 1
}

states
table
formats
widths
finish 'runs tool'
