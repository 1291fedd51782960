#!/bin/sh
# Steps on two ranks, each in its own network namespace, over links of 1 and 10 Gbit/s, compared
# with the prediction of `tools/bench ranks`; and the losses of four ranks. Run as `make bench-ranks`.
# Needs root, Open MPI, iproute2 and ethtool, and a computer that does nothing else: times are
# compared, so it is no part of the tests. It takes 15 minutes; variables choose a part:
#   make bench-ranks CASES=micro:2 METHODS='adamw muon' GBITS=10
# A case is a model and the sequences of 64 tokens per rank and step, or `count`: the bytes sent.
# shellcheck disable=SC2046,SC2086,SC2317  # options are words; leave is called by the trap
. tests/shell.sh
train=$root/build/openmpi/train
first=polar-$$-1
second=polar-$$-2

# The namespaces of nodes 1, 2, ..., and of a switch between more than two of them.
no_network() {
  for space in $(ip netns | awk -v name="polar-$$-" 'index($1, name) == 1 { print $1 }'); do
    ip netns delete "$space"
  done
}

leave() {
  no_network
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM
for program in ip tc ethtool mpirun.openmpi; do
  if [ "$(id -u)" != 0 ] || ! command -v $program >/dev/null; then
    echo "skipped: needs root, and $program"
    exit 0
  fi
done

inside() { # NAMESPACE COMMAND...
  ip netns exec "$@"
}

# link GBIT: two namespaces with a pair of interfaces between them. A token bucket limits the rate in
# each direction. Interfaces look for packets every 50 us, as network cards that collect interrupts,
# which delays them (not every kernel has the queue netem, which delays too).
link() {
  no_network
  ip netns add "$first" && ip netns add "$second" || exit 1
  ip -n "$first" link add p1 type veth peer name p2 netns "$second" || exit 1
  for i in 1 2; do
    address $i
    inside polar-$$-$i ethtool -K p$i gro on tso off || exit 1
    inside polar-$$-$i sh -c "echo 50000 >/sys/class/net/p$i/gro_flush_timeout
      echo 1000000000 >/sys/class/net/p$i/napi_defer_hard_irqs" || exit 1
    tc -n polar-$$-$i qdisc add dev p$i root tbf rate "$1gbit" burst 256k limit 64m || exit 1
  done
}

address() {
  ip -n polar-$$-"$1" address add "10.77.0.$1/24" dev p"$1"
  ip -n polar-$$-"$1" link set p"$1" mtu 65535 up
  ip -n polar-$$-"$1" link set lo up
}

# switch N: N namespaces that are connected through one more.
switch() {
  no_network
  ip netns add polar-$$-s && ip -n polar-$$-s link add b0 mtu 65535 type bridge || exit 1
  ip -n polar-$$-s link set b0 up
  for i in $(seq "$1"); do
    ip netns add polar-$$-"$i"
    ip -n polar-$$-"$i" link add p"$i" type veth peer name b"$i" netns polar-$$-s || exit 1
    ip -n polar-$$-s link set b"$i" mtu 65535 master b0 up
    address "$i"
  done
}

# A launcher that Open MPI starts like ssh: HOST COMMAND...
cat >"$work/agent" <<END
#!/bin/sh
node=\${1##*.}
shift
exec ip netns exec polar-$$-\$node sh -c "\$*"
END
chmod +x "$work/agent"

# ranks NODES RANKS COMMAND...: as many ranks on each node.
ranks() {
  hosts=$(seq "$1" | sed "s/.*/10.77.0.&:$(($2 / $1))/" | paste -s -d,)
  count=$2
  shift 2
  inside "$first" mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none --host "$hosts" \
    --mca plm_rsh_agent "$work/agent" --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 \
    --mca oob_tcp_if_include 10.77.0.0/24 -np "$count" "$@" >"$work/out" 2>&1 || tail -n 5 "$work/out"
}

# Rates of the link: microseconds of a short message, Gbit/s of long ones each way at once.
measure_link() {
  ranks 2 2 "$root/build/openmpi/mpi/link"
  cat "$work/out"
}

# parts FOLDER: medians over the steps, in milliseconds: the step, forward and backward with the wait
# for the sum, the optimizer with clipping and the copy.
parts() {
  awk -F, 'NR > 3 { print 1e3 * ($3 - before), $8 + $9, $10 } { before = $3 }' "$1/log.csv" >"$work/steps"
  for column in 1 2 3; do
    sort -g -k $column,$column "$work/steps" |
      awk -v c=$column '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'
  done | tr '\n' ' '
}

fact() { sed -n "s/^$2 = //p" "$work/$1/info.txt"; }

# own METHOD RANKS: the options that the prediction takes, where a preset has others.
own() {
  case $1 in
    low-rank-muon) echo '--rank 128' ;;
    demuon) echo "--nodes $2" ;;
  esac
}

# alone METHOD: one rank; another run keeps the other core as busy as a second rank would.
alone() {
  for i in 0 1; do
    "$train" $options --batch "$rows" --optimizer "$1" $(own "$1" 1) --out "$work/alone-$i" \
      >"$work/alone-$i.txt" 2>&1 &
  done
  wait
  parts "$work/alone-0"
}

# The rates of one rank: GB/s of memory from AdamW's step (40 bytes for each weight), GFLOP/s of the
# passes and of the optimizer from the method's.
rates() {
  alone adamw >"$work/adamw"
  memory=$(awk -v w="$(fact alone-0 weights)" '{ print 40 * w / $3 / 1e6 }' "$work/adamw")
  cp "$work/adamw" "$work/times"
  [ "$1" = adamw ] || alone "$1" >"$work/times"
  awk -v m="$memory" -v w="$(fact alone-0 weights)" -v f="$(fact alone-0 flops_per_token)" \
    -v t=$((rows * 64)) -v o="$(fact alone-0 optimizer_flops_per_step)" '{
      printf "--memory-gb %g --gflops %g", m, f * t / $2 / 1e6
      rest = $3 / 1e3 - 12 * w / m / 1e9
      if (rest > 0) printf " --optimizer-gflops %g", o / rest / 1e9 }' "$work/times"
}

# The prediction for 1 and 2 ranks in the columns of `parts`.
predicted() {
  "$root/tools/bench" ranks --model "$model" --context 64 --batch $((rows * $1)) --nodes "$1" \
    $rates $network | awk -v m="$method" -v n="$1" '$1 == m && $2 == n {
      print 1e3 * $3, 1e3 * ($4 + $5), 1e3 * ($6 + $7) }'
}

# row RANKS GBIT MEASURED PREDICTED
row() {
  echo "$3 $4" | awk -v name="$model $rows" -v m="$method" -v n="$1" -v g="$2" '{
    printf "%-10s %-14s %5s %6s %9.1f %9.1f %6.2f %9.1f %9.1f %9.1f %9.1f\n", name, m, n, g, $1, $4, $4 / $1,
      $2, $5, $3, $6
    exit ($4 > 1.25 * $1 || $1 > 1.25 * $4) }' || {
    echo '  off by more than 25 %'
    failed=1
  }
}

# One method on one and on two ranks.
compare() {
  rates=$(rates "$method")
  network=
  row 1 - "$(cat "$work/times")" "$(predicted 1)"
  for gbit in ${GBITS:-10 1}; do
    link "$gbit"
    network=$(measure_link | awk '{ print "--latency-us", $1, "--gbit", $3 }')
    ranks 2 2 "$train" $options --batch $((2 * rows)) --optimizer "$method" $(own "$method" 2) \
      --out "$work/two"
    row 2 "$gbit" "$(parts "$work/two")" "$(predicted 2)"
    echo "  $rates $network" >>"$work/inputs"
  done
}

# Four ranks, two on each side, have the losses of one.
four() {
  options="--model nano --threads 1 --steps 10 --batch 8 --val-every 0 --keep 0 --overwrite on"
  link 1
  for method in ${METHODS:-adamw muon low-rank-muon demuon}; do
    "$train" $options --optimizer "$method" $(own "$method" 4) --out "$work/one" >/dev/null 2>&1
    ranks 2 4 "$train" $options --optimizer "$method" $(own "$method" 4) --out "$work/four"
    paste -d, "$work/one/log.csv" "$work/four/log.csv" | awk -F, -v m="$method" '
      NR > 1 { off = ($4 - $15) / $4; if (off < 0) off = -off; if (off > most) most = off }
      END { printf "%-14s losses of 4 ranks and of 1 differ by at most %.1g\n", m, most
        exit NR != 11 || most > 1e-5 }' ||
      failed=1
  done
}

# sent NODES STEPS: bytes that each node has sent after a run.
sent() {
  switch "$1"
  ranks "$1" "$1" "$train" $options --steps "$2" --optimizer adamw --out "$work/sent"
  for i in $(seq "$1"); do
    inside polar-$$-"$i" cat "/sys/class/net/p$i/statistics/tx_bytes"
  done
}

# What nodes send in a step, counted by their interfaces: it does not depend on times.
count() {
  options="--model nano --threads 1 --batch 8 --val-every 0 --keep 0 --overwrite on"
  export OMPI_MCA_mpi_yield_when_idle=1 # more ranks than cores
  for nodes in ${NODES:-2 4 8}; do
    sent $nodes 2 >"$work/few"
    sent $nodes 12 >"$work/more"
    expected=$("$root/tools/bench" ranks --model nano --nodes $nodes --gbit 8e-3 --latency-us 0 \
      --memory-gb 1e6 | awk -v n=$nodes '$1 == "adamw" && $2 == n { print $5 + $7 }')
    paste "$work/few" "$work/more" | awk -v n=$nodes -v p="$expected" '
      { x = ($2 - $1) / 10e6; sum += x; if (x > most) most = x }
      END { printf "%d nodes: a node sends %.2f MB a step on average, at most %.2f; predicted %.2f\n", n,
        sum / n, most, p }'
  done
}

if [ "${CASES:-}" = count ]; then
  count
  exit
fi
echo 'Milliseconds of a step, its prediction, and the ratio of both; then the parts: passes with sum,'
echo 'optimizer with clipping and copy, each measured and predicted.'
printf '%-10s %-14s %5s %6s %9s %9s %6s %9s %9s %9s %9s\n' 'model rows' method ranks Gbit/s measured \
  predicted ratio passes predicted optimizer predicted
for case in ${CASES:-micro:2 gpt2:1}; do
  model=${case%:*}
  rows=${case#*:}
  options="--model $model --context 64 --threads 1 --steps ${STEPS:-8} --val-every 0 --keep 0 --overwrite on"
  for method in ${METHODS:-adamw muon low-rank-muon demuon}; do compare; done
done
echo 'The rates that the predictions used:'
cat "$work/inputs"
four
[ "${CASES:-}" ] || count
exit "$failed"
