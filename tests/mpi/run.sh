#!/bin/sh
# Several ranks on this computer, with Open MPI and with MPICH: the same losses as one process,
# checkpoints for any number of ranks, the end of a run whose ranks fail, and nodes of a graph.
# Installs the packages where it can, else skips. Run as `make test-mpi`.
# shellcheck disable=SC2086  # $mpirun is a command with options
. tests/shell.sh
unset OMP_NUM_THREADS

skip() {
  echo "mpi: skipped: $1"
  echo "0 passed, 0 failed"
  exit 0
}

install_packages() {
  command -v mpicc.openmpi >/dev/null && command -v mpicc.mpich >/dev/null && return
  command -v apt-get >/dev/null || skip 'there is no apt-get here to install Open MPI and MPICH'
  as_root=
  [ "$(id -u)" = 0 ] || as_root=sudo
  echo 'Installing openmpi-bin, libopenmpi-dev, mpich, libmpich-dev...'
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq openmpi-bin libopenmpi-dev mpich \
    libmpich-dev >/dev/null 2>&1 || skip 'apt-get cannot install Open MPI and MPICH'
}

# build MPI: ./train and the test programs, in build/MPI.
build() {
  make --no-print-directory -j"$(nproc)" MPI=1 CC="${CCACHE:-} mpicc.$1" BUILD="build/$1" \
    "build/$1/train" "build/$1/mpi/state" "build/$1/mpi/resave" >"$work/build.txt" 2>&1 || {
    tail -n 20 "$work/build.txt"
    bad "the build with $1"
  }
}

# on RANKS COMMAND...: with $mpirun.
on() {
  count=$1
  shift
  run $mpirun -np "$count" "$@"
}

# ranks RANKS FOLDER OPTIONS...: a run of the tiny model.
ranks() {
  some=$1
  folder=$2
  shift 2
  on "$some" "$root/build/$mpi/train" @tiny --out "$folder" "$@"
}

losses() { cut -d, -f1,2,4,5 "$1/log.csv"; }

# agree A B: train and validation losses to a relative 1e-5.
agree() {
  losses "$1" >left
  losses "$2" >right
  paste -d, left right | awk -F, '
    function off(a, b) { return (a == "") != (b == "") || a - b > 1e-5 * b || b - a > 1e-5 * b }
    NR > 1 && (off($3, $7) || off($4, $8)) { wrong = 1 }
    END { exit wrong || NR != 32 }'
}

write_options() {
  write_tiny tiny 30
  sed -i 's/^layers = .*/layers = 2/; s/^batch = .*/batch = 12/
          s/^val-every = .*/val-every = 10/' tiny
}

# alone FOLDER OPTIONS...: the tiny model without mpirun.
alone() {
  folder=$1
  shift
  run "$root/build/$mpi/train" @tiny --out "$folder" "$@"
}

# Exact polar factors and eigenvectors depend on the last bits of small singular values, so that at
# the tuned rate the losses of these methods change by 1e-4 with the order of a sum, in one process
# too (--micro-batch). They get a small rate.
same_losses() {
  for method in $1; do
    rate=
    case $method in
      soap | soap-muon | adadiag) rate='--lr 1e-5' ;;
      sumo | orthogonal-sgdm) rate='--lr 1e-4' ;;
    esac
    alone "$method-1" --optimizer "$method" $rate
    for n in 2 3 4; do
      ranks $n "$method-$n" --optimizer "$method" $rate
      check "$mpi: $method on $n ranks has the losses of one" agree "$method-$n" "$method-1"
    done
  done
}

same_bits() {
  ranks 1 one-rank --optimizer muon
  losses one-rank >left
  losses muon-1 >right
  check "$mpi: mpirun -np 1 gives the same bits as no mpirun" cmp -s left right
  ranks 3 muon-again --optimizer muon
  losses muon-3 >left
  losses muon-again >right
  check "$mpi: three ranks give the same bits twice" cmp -s left right
  check "$mpi: and the same weights" same_weights muon-3 muon-again
  share=$(($(getconf _NPROCESSORS_ONLN) / 2))
  ranks 2 share --steps 1 --threads 0
  check "$mpi: two ranks share the processors" prints ": $((share > 1 ? share : 1)) thread"
  ranks 2 passes --optimizer muon --micro-batch 4
  check "$mpi: in passes of 4 rows" agree passes muon-1
}

same_weights() {
  cmp -s "$1/step-000030/model.safetensors" "$2/step-000030/model.safetensors"
}

# resaves RANKS RUN STEP: so many ranks read the checkpoint and write the same bytes.
resaves() {
  state=$2/step-$3/state.safetensors
  cp "$state" before
  on "$1" "$root/build/$mpi/mpi/resave" --resume "$2"
  check "$mpi: $2: $1 ranks write the state that they read" cmp before "$state"
}

resumed() {
  ranks 1 moved --optimizer muon --steps 10 --schedule constant
  resaves 3 moved 000010
  on 3 "$root/build/$mpi/train" --resume moved --steps 20
  check "$mpi: three ranks resume the run of one: $(cat "$work/stderr")" [ "$code" -eq 0 ]
  resaves 1 moved 000020
  resaves 2 moved 000020
  on 2 "$root/build/$mpi/train" --resume moved --steps 30
  resaves 3 moved 000030
  ranks 1 stayed --optimizer muon --schedule constant
  check "$mpi: 1, 3 and 2 ranks, one after another, have the losses of one" agree moved stayed
  on 3 "$root/build/$mpi/mpi/state"
  check "$mpi: the state of three ranks is whole" prints ' 0 failed'
  grep FAILED "$work/stdout"
}

refused() {
  ranks 4 uneven --batch 6
  check "$mpi: a batch that four ranks cannot divide: $(cat "$work/stderr")" \
    says '--batch 6 cannot be divided among 4 ranks: use 4 or 8'
  check "$mpi: one message" [ "$(grep -c '^train:' "$work/stderr")" -eq 1 ]
  ranks 2 spectrum --log-spectrum 2
  check "$mpi: --log-spectrum" says 'use one rank'
  on 2 "$root/train" @tiny --out none
  check "$mpi: a program without MPI" says 'built without MPI'
  check "$mpi: trains nothing" [ ! -e none ]
  ranks 1 differ --steps 2 : -np 1 "$root/build/$mpi/train" @tiny --out differ --steps 3
  check "$mpi: ranks with different options" says 'rank 1 starts with other options than rank 0'
  check "$mpi: write nothing" [ ! -e differ ]
  # rank 1 cannot read its data
  ranks 1 one-fails : -np 1 "$root/build/$mpi/train" @tiny --out one-fails --data missing.txt
  check "$mpi: an error of one rank ends all" [ "$code" -ne 0 ]
  check "$mpi: and is named" says 'train: rank 1: missing.txt'
}

# two OPTIONS...: two ranks with the same options, in the folders `one` and `two`.
two() {
  on 1 -wdir "$PWD/one" "$root/build/$mpi/train" "$@" : \
    -np 1 -wdir "$PWD/two" "$root/build/$mpi/train" "$@"
}

# Each rank reads its own copy of the files, and the copies differ.
other_files() {
  seed=1
  mkdir one two
  for folder in one two; do
    cp tiny "$folder"
    yes "Some text in the folder $folder." | head -n 2000 >"$folder/text"
    alone "$folder/weights" --steps 1 --optimizer sgd --seed "$seed"
    seed=$((seed + 1))
  done
  two @tiny --data text --out run
  check "$mpi: ranks with other data" says 'rank 1 starts with other data than rank 0'
  two @tiny --init weights --out run
  check "$mpi: ranks with other weights" says 'rank 1 starts with other weights than rank 0'
  check "$mpi: write nothing" [ ! -e one/run ]
  alone one/run --steps 4 --save-every 2
  cp -r one/run two/run
  rm -r two/run/step-000004
  cp one/run/log.csv before
  two --resume run --steps 6
  check "$mpi: ranks at another step" says 'rank 1 starts at another step than rank 0'
  check "$mpi: change nothing" cmp -s before one/run/log.csv
}

# The nodes of DeMuon have the bits of the simulation in one process. MPICH's ranks do not yield the
# processor, so that four of them are slow on two.
decentralized() {
  for graph in complete ring exponential; do
    alone "$graph" --optimizer demuon --nodes 4 --graph $graph
    for n in 4 2; do
      case $mpi-$n-$graph in mpich-4-complete | mpich-4-exponential) continue ;; esac
      nodes='--nodes 4'
      [ $n -eq 2 ] || nodes= # the default: one for each rank
      ranks $n "$graph-$n" --optimizer demuon $nodes --graph $graph
      losses "$graph" >left
      losses "$graph-$n" >right
      check "$mpi: $graph on $n ranks: the losses of the simulation" cmp left right
      check "$mpi: $graph on $n ranks: the weights of the simulation" same_weights $graph $graph-$n
    done
    grep '^[123]0,' "$graph/log.csv" | cut -d, -f12 >left
    grep '^[123]0,' "$graph-2/log.csv" | cut -d, -f12 >right
    check "$mpi: $graph: the consensus error of the simulation" cmp left right
  done
  alone nodes --optimizer demuon --nodes 4 --schedule constant
  alone parts --optimizer demuon --nodes 4 --schedule constant --steps 10
  resaves 4 parts 000010
  on 4 "$root/build/$mpi/train" --resume parts --steps 20
  resaves 1 parts 000020
  resaves 2 parts 000020
  run "$root/build/$mpi/train" --resume parts --steps 30
  check "$mpi: nodes of 1, 4 and 1 ranks: the weights of one run" same_weights nodes parts
  on 3 "$root/build/$mpi/train" --resume parts --steps 40
  check "$mpi: 4 nodes on 3 ranks" says '--nodes 4 cannot be divided among 3 ranks'
  on 2 "$root/build/$mpi/train" --resume parts --steps 40 --nodes 2
  check "$mpi: another number of nodes" says 'the run was started with 4'
}

# start FOLDER OPTIONS...: three ranks in the background, until they have logged some steps. Its own
# process group is found by the folder's name.
start() {
  folder=$1
  shift
  $mpirun -np 3 "$root/build/$mpi/train" @tiny --out "$folder" --steps 1000000 --val-every 0 "$@" \
    >stdout 2>stderr </dev/null &
  child=$!
  children="$children $child"
  tries=0
  while ! grep -qs '^3,' "$folder/log.csv" && [ $tries -lt 600 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
}

# ends FOLDER: all ranks are gone within ten seconds.
ends() {
  tries=0
  while [ -n "$(pgrep -f "/train @tiny --out $1 ")" ] && [ $tries -lt 200 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
  [ $tries -lt 200 ]
}

# rank_process FOLDER N: the process of a rank, not mpirun's own.
rank_process() {
  for process in $(pgrep -f "/train @tiny --out $1 "); do
    [ "$(readlink "/proc/$process/exe")" = "$(readlink -f "$root/build/$mpi/train")" ] &&
      echo "$process"
  done | sed -n "$2p"
}

stopped() {
  start stopped --optimizer muon
  kill -TERM "$(rank_process stopped 2)"
  check "$mpi: SIGTERM to one rank ends all" ends stopped
  check "$mpi: and saves once" [ "$(find stopped -name 'step-*' | wc -l)" -eq 1 ]
  on 2 "$root/build/$mpi/train" --resume stopped --max-seconds 0.1
  check "$mpi: it is resumed" [ -e stopped/latest ]
  start launcher --optimizer muon
  kill -TERM "$child"
  check "$mpi: SIGTERM to mpirun ends all" ends launcher
  run "$root/build/$mpi/train" --resume launcher --max-seconds 0.1
  check "$mpi: and saves: $(cat "$work/stderr")" [ "$code" -eq 4 ]
}

# killed TIMES METHODS: each kill is of another rank, after another number of steps.
killed() {
  kills=0
  for method in $2; do
    for try in $(seq "$1"); do
      kills=$((kills + 1))
      rm -rf killed
      start killed --optimizer "$method" --save-every 1 --keep 2
      sleep "0.$((kills * 7 % 10))"
      kill -KILL "$(rank_process killed $((try % 3 + 1)))"
      check "$mpi: $method: all ranks end when one is killed" ends killed
      next=$((try % 3 + 1))
      [ "$method" != demuon ] || next=3 # its nodes
      on $next "$root/build/$mpi/train" --resume killed --max-seconds 0.1
      check "$mpi: $method: the checkpoints are complete: $(cat "$work/stderr")" \
        grep -q 'resumed' killed/info.txt
    done
  done
}

full_disk() {
  mkdir small
  if ! mount -t tmpfs -o size=100k none small 2>/dev/null; then
    echo 'skipped: a full disk (only root may mount one)'
    return
  fi
  ranks 2 small/run
  umount small
  check "$mpi: a full disk ends all ranks with one message: $(cat "$work/stderr")" \
    [ "$(grep -c '^train:.*No space left' "$work/stderr")" -eq 1 ]
}

install_packages
cd "$work" || exit 1
write_options
every=$("$root/train" --list | awk '!NF { exit } /^  [a-z]/ && $1 != "demuon" { print $1 }')
for mpi in ${MPIS:-openmpi mpich}; do
  case $mpi in
    openmpi) mpirun='mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none' ;;
    mpich) mpirun=mpirun.mpich ;;
  esac
  (cd "$root" && build "$mpi")
  mkdir "$work/$mpi"
  cd "$work/$mpi" || exit 1
  cp ../tiny .
  if [ "$mpi" = openmpi ]; then same_losses "${METHODS:-$every}"; else same_losses 'muon adamw'; fi
  same_bits
  resumed
  refused
  other_files
  decentralized
  stopped
  full_disk
  if [ "$mpi" = openmpi ]; then killed 10 'muon soap adamw'; else killed 1 'muon adamw'; fi
  killed 1 demuon
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
