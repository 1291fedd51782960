#!/bin/sh
# --optimizer demuon: nodes of a graph, simulated in one process. Run from the project's root.
. tests/shell.sh
write_tiny "$work/tiny" 12
sed -i "s/^batch = .*/batch = 8/; s/^val-every = .*/val-every = 3/" "$work/tiny"
cd "$work" || exit 1

trains() { run "$train" @tiny "$@"; }
demuon() { trains --optimizer demuon "$@"; }
column() { awk -F, -v c="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) at = i; next }
                              at { print $at }' "$2/log.csv"; }

# agree A B: train and validation losses to a relative 1e-5.
agree() {
  { column train_loss "$1"; column val_loss "$1"; } >left
  { column train_loss "$2"; column val_loss "$2"; } >right
  paste -d, left right | awk -F, '{ d = $1 - $2; if (d < 0) d = -d; if (d > 1e-5 * $2) exit 1 }
                                  END { if (NR != 26) exit 1 }'
}
differ() { ! agree "$1" "$2"; }

is_muon() {
  trains --optimizer muon --nesterov off --out muon
  demuon --nodes 4 --graph complete --out complete
  check 'the complete graph has the losses of Muon on the mean gradient' agree complete muon
  for graph in ring exponential; do
    demuon --nodes 8 --graph $graph --out $graph
    check "$graph trains: $(tail -n 1 $graph/log.csv)" [ "$code" -eq 0 ]
    check "$graph has other losses" differ $graph muon
  done
}

logs_consensus() {
  column consensus_error complete | tail -n +2 >errors
  check 'on the complete graph the nodes agree' awk '$1 > 1e-6 { exit 1 }' errors
  column consensus_error ring | tail -n +2 >errors
  check 'on the ring they do not' \
    awk '!($1 > 1e-6 && $1 < 1) { exit 1 } END { if (NR != 12) exit 1 }' errors
  check 'other methods have no such column' [ -z "$(column consensus_error muon)" ]
  run "$tools/plot" ring --y consensus_error --out ring.svg
  check 'tools/plot draws it' grep -q 'consensus error' ring.svg
  run "$train" @tiny --init ring --optimizer adamw --steps 1 --val-every 1 --out from-ring
  check 'the checkpoint has the weights that were validated' \
    [ "$(column val_loss from-ring | head -n 1)" = "$(column val_loss ring | tail -n 1)" ]
}

resumes() {
  demuon --nodes 4 --graph ring --micro-batch 1 --schedule constant --out whole
  demuon --nodes 4 --graph ring --micro-batch 1 --schedule constant --steps 6 --out parts
  run "$train" --resume parts --steps 12
  check 'a resumed run has the same losses' agree whole parts
  column consensus_error whole >left
  column consensus_error parts >right
  check 'and the same consensus error' cmp -s left right
  answers 2 '--graph' "$train" --resume parts --graph complete
}

refuses() {
  demuon --nodes 4 --batch 6 --out none
  check 'a batch that the nodes do not divide' \
    says '--batch 6 cannot be divided among 4 nodes: use 4 or 8'
  answers 2 'has one set of weights' "$train" @tiny --optimizer muon --nodes 4 --out none
  answers 2 '--graph has no effect' "$train" @tiny --optimizer demuon --nodes 1 --graph ring --out none
  answers 2 'complete|ring' "$train" @tiny --optimizer demuon --graph star --out none
  demuon --log-spectrum 2 --out none
  check '--log-spectrum' says 'but every node of demuon has its own'
  check 'nothing is written' [ ! -e none ]
}

is_muon
logs_consensus
resumes
refuses
finish demuon
