#!/bin/sh
# The job arrays of tools/sweep in Slurm: starts a Slurm of one node, with a configuration of its
# own in a temporary folder, and runs small arrays. Installs the packages where it can, else skips.
# Run as `make test-slurm`, as root.
. tests/shell.sh

skip() {
  echo "slurm: skipped: $1"
  echo "0 passed, 0 failed"
  exit 0
}

install_packages() {
  [ "$(id -u)" = 0 ] || skip 'only root can start Slurm'
  command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null &&
    return
  command -v apt-get >/dev/null || skip 'there is no apt-get here to install slurm-wlm and munge'
  echo 'Installing slurm-wlm, munge...'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge \
    >/dev/null 2>&1 || skip 'apt-get cannot install slurm-wlm and munge'
}

# Its ports and socket differ from those of a Slurm of this machine. With
# config_overrides the node has four processors on any machine.
configure() {
  mkdir "$slurm"
  chmod 711 "$work"
  chmod 755 "$slurm"
  node=$(hostname -s)
  (umask 077 && head -c 128 /dev/urandom >"$slurm/key")
  export SLURM_CONF="$slurm/slurm.conf"
  cat >"$SLURM_CONF" <<END_OF_CONF
ClusterName=polar
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$slurm/munge.socket
CryptoType=crypto/munge
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
NodeName=$node NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES
END_OF_CONF
}

# until_true COMMAND...: waits for it, at most 30 seconds.
until_true() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || return 1
    sleep 0.1
  done
}

has_idle_node() { sinfo -h -o %t 2>/dev/null | grep -q idle; }

# background PROGRAM...: until the end of the script.
background() {
  "$@" >"$slurm/${1##*/}.log" 2>&1 </dev/null &
  children="$! $children"
}

start_slurm() {
  background munged --foreground --force --key-file="$slurm/key" --socket="$slurm/munge.socket" \
    --pid-file="$slurm/munged.pid" --log-file="$slurm/munged.log" --seed-file="$slurm/seed"
  background slurmctld -D
  background slurmd -D
  until_true has_idle_node && return
  tail -n 5 "$slurm"/*.log
  bad 'Slurm starts'
  finish slurm
  exit 1
}

# munged may ignore SIGTERM; the end of the script kills it.
stop_slurm() {
  # shellcheck disable=SC2086
  set -- $children
  children=$3
  kill "$1" "$2"
  wait "$1" "$2"
}

# A ./train that lists the runs that it begins.
write_counting() {
  cat >counting <<END_OF_SCRIPT
#!/bin/sh
printf '%s\n' "\$*" | sed 's/.*--out //; s/ --overwrite.*//' >>begun.txt
exec "$train" "\$@"
END_OF_SCRIPT
  chmod +x counting
}

# submit: the job array of the last run of tools/sweep, until it has ended.
submit() {
  sh -c "$(sed 's/^sbatch/sbatch --wait/' "$work/stdout")" >submitted.txt 2>&1
}

begun_once() {
  runs=$(find "$folder" -name log.csv | wc -l)
  [ "$(wc -l <begun.txt)" -eq "$runs" ] && [ "$(sort -u begun.txt | wc -l)" -eq "$runs" ]
}

# Tuning, extensions and final seeds in one array.
whole_sweep() {
  run "$sweep" "$@" --slurm
  check 'the sbatch command' prints 'sbatch '
  check 'the array ends without errors' submit
  cat "$folder"/slurm-*.txt >tasks.txt
  check 'all runs have ended' grep -q '^done: [0-9]* runs' tasks.txt
  finals=$(find "$folder/final" -name log.csv | wc -l)
  check 'two methods have two final runs each' [ "$finals" -eq 4 ]
  check "no run is done twice: $(sort begun.txt | uniq -d)" begun_once
  check 'several tasks had runs' [ "$(grep -l ': val loss' "$folder"/slurm-*.txt | wc -l)" -gt 1 ]
  answers 0 'all runs have finished' "$sweep" "$@" --slurm
}

# What is finished stays: only the lost run is done again.
continued() {
  lost=$(find "$folder/final" -name log.csv | head -n 1)
  rm "$lost"
  : >begun.txt
  run "$sweep" "$folder" --train ./counting --slurm
  check 'one task for one run' grep -q -- '--array=1-1$' "$folder/sweep.sbatch"
  check 'it ends without errors' submit
  check 'only this run is done again' [ "$(cat begun.txt)" = "$(dirname "$lost")" ]
}

# Tasks that end after one run each, and a sweep that scancel stops.
limited() {
  : >begun.txt
  folder=limited
  run "$sweep" "$@" --out limited --limit 1 --jobs 2 --slurm
  check 'the array with one run per task' submit
  grep -c ': val loss' limited/slurm-*.txt >counts.txt
  check "no task has two runs: $(cat counts.txt)" [ "$(grep -cv ':[01]$' counts.txt)" -eq 0 ]
  check 'nor are any left out' [ "$(wc -l <begun.txt)" -eq "$(wc -l <counts.txt)" ]
  check 'no run is done twice' begun_once
}

trains() { grep -qs '^3,' stopped/tune/*/*/*/log.csv; }
queue_is_empty() { [ -z "$(squeue -h)" ]; }

stopped() {
  sed 's/\.steps = .*/.steps = 1000000/; s/\.val-every = .*/.val-every = 500000/' limited/sweep.spec >long.spec
  run "$sweep" long.spec --out stopped --slurm
  sh -c "$(cat "$work/stdout")" >submitted.txt
  check 'a long sweep begins' until_true trains
  scancel "$(sed 's/.* //' submitted.txt)"
  check 'scancel ends it' until_true queue_is_empty
  check 'and its runs' [ -z "$(pgrep -f 'out stopped/tune')" ]
  run "$sweep" stopped --print
  check 'all of them are due again' [ "$(wc -l <"$work/stdout")" -eq 6 ]
}

install_packages
slurm=$work/slurm
sweep=$tools/sweep
folder="runs of 100%"
cd "$work" || exit 1
configure
start_slurm
write_counting
# A network of a few weights.
set -- --optimizers 'adamw sgd' --seeds 2 --rates 3 --extend 1 --layers 1 --heads 1 --channels 8 \
  --context 8 --vocab 257 --batch 1 --steps 10 --warmup 0 --val-every 5 --val-tokens 64 \
  --train ./counting
whole_sweep "$@" --out "$folder"
continued
limited "$@"
stopped
stop_slurm
finish slurm
