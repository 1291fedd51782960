#!/bin/sh
# Several ranks on this computer, with Open MPI and with MPICH: the same losses as one process,
# checkpoints for any number of ranks, and the end of a run whose ranks fail. Installs the packages
# where it can, else skips. Run as `make test-mpi`.
# shellcheck disable=SC2086  # $mpirun is a command with options
. tests/shell.sh

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

# build MPI: ./train and the test of the state, in build/MPI.
build() {
  make --no-print-directory -j"$(nproc)" MPI=1 CC="${CCACHE:-} mpicc.$1" BUILD="build/$1" \
    "build/$1/train" "build/$1/mpi/state" >"$work/build.txt" 2>&1 || {
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
  sed -i 's/^layers = .*/layers = 2/; s/^batch = .*/batch = 12/; s/^val-every = .*/val-every = 10/' tiny
}

# The gradient is summed over ranks like over the passes of one process. Exact polar factors and
# eigenvectors depend on the last bits of small singular values, so that at the tuned rate the
# losses of these methods change by 1e-4 with the order of a sum, in one process too. They get a
# small rate.
same_losses() {
  for method in $1; do
    rate=
    case $method in soap | soap-muon | sumo | orthogonal-sgdm) rate='--lr 1e-4' ;; esac
    for n in 2 3 4; do
      "$root/build/$mpi/train" @tiny --optimizer "$method" $rate --micro-batch $((12 / n)) \
        --out "$method-passes-$n" >/dev/null 2>&1
      ranks $n "$method-$n" --optimizer "$method" $rate
      check "$mpi: $method on $n ranks has the losses of one" agree "$method-$n" "$method-passes-$n"
    done
  done
}

same_bits() {
  "$root/build/$mpi/train" @tiny --optimizer muon --out muon-1 >/dev/null 2>&1
  check "$mpi: muon on 3 ranks has the losses of one pass" agree muon-3 muon-1
  ranks 1 one-rank --optimizer muon
  losses one-rank >left
  losses muon-1 >right
  check "$mpi: mpirun -np 1 gives the same bits as no mpirun" cmp -s left right
  ranks 3 muon-again --optimizer muon
  losses muon-3 >left
  losses muon-again >right
  check "$mpi: three ranks give the same bits twice" cmp -s left right
  ranks 2 passes --optimizer muon --micro-batch 4
  check "$mpi: in passes of 4 rows" agree passes muon-1
}

resumed() {
  ranks 1 moved --optimizer muon --steps 10 --schedule constant
  on 3 "$root/build/$mpi/train" --resume moved --steps 20
  check "$mpi: three ranks resume the run of one: $(cat "$work/stderr")" [ "$code" -eq 0 ]
  on 2 "$root/build/$mpi/train" --resume moved --steps 30
  ranks 1 stayed --optimizer muon --schedule constant
  check "$mpi: 1, 3 and 2 ranks, one after another, have the losses of one" agree moved stayed
  on 3 "$root/build/$mpi/mpi/state"
  check "$mpi: the state of three ranks is whole" prints ' 0 failed'
  grep FAILED "$work/stdout"
}

refused() {
  yes 'Some text to train on.' | head -n 2000 >a.txt
  yes 'Any other text as long.' | head -n 2000 >b.txt
  ranks 4 uneven --batch 6
  check "$mpi: a batch that four ranks cannot divide: $(cat "$work/stderr")" \
    says '--batch 6 cannot be divided among 4 ranks: use 4 or 8'
  check "$mpi: one message" [ "$(grep -c '^train:' "$work/stderr")" -eq 1 ]
  ranks 2 spectrum --log-spectrum 2
  check "$mpi: --log-spectrum" says 'use one rank'
  ranks 2 nodes --optimizer demuon --nodes 2
  check "$mpi: demuon" says 'simulates its nodes in one process: use one rank'
  on 2 "$root/train" @tiny --out none
  check "$mpi: a program without MPI" says 'built without MPI'
  check "$mpi: trains nothing" [ ! -e none ]
  ranks 1 differ --steps 2 : -np 1 "$root/build/$mpi/train" @tiny --out differ --steps 3
  check "$mpi: ranks with different options" says 'rank 1 starts with other options than rank 0'
  check "$mpi: write nothing" [ ! -e differ ]
  ranks 1 differ --data a.txt : -np 1 "$root/build/$mpi/train" @tiny --out differ --data b.txt
  check "$mpi: ranks with different data" says 'rank 1 starts with other'
  # rank 1 cannot read its data
  ranks 1 one-fails : -np 1 "$root/build/$mpi/train" @tiny --out one-fails --data missing.txt
  check "$mpi: an error of one rank ends all" [ "$code" -ne 0 ]
  check "$mpi: and is named" says 'train: rank 1: missing.txt'
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

# Each kill is of another rank, after another number of steps.
killed() {
  kills=0
  for method in muon soap adamw; do
    for try in $(seq "$1"); do
      kills=$((kills + 1))
      rm -rf killed
      start killed --optimizer "$method" --save-every 1 --keep 2
      sleep "0.$((kills * 7 % 10))"
      kill -KILL "$(rank_process killed $((try % 3 + 1)))"
      check "$mpi: $method: all ranks end when one is killed" ends killed
      on $((try % 3 + 1)) "$root/build/$mpi/train" --resume killed --max-seconds 0.1
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
  stopped
  full_disk
  if [ "$mpi" = openmpi ]; then killed 10; else killed 1; fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
