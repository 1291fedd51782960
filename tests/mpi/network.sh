#!/bin/sh
# Steps on 1 and 2 ranks, each in its own network namespace, over links of 1 and 10 Gbit/s, compared
# with the prediction of `tools/bench ranks`. Needs root, iproute2 and Open MPI. Run as
# `make bench-ranks`. No part of the tests: times depend on what else the computer does.
. tests/shell.sh
train=$root/build/openmpi/train
first=polar-$$-0
second=polar-$$-1

leave() {
  ip netns delete "$first" 2>/dev/null
  ip netns delete "$second" 2>/dev/null
  rm -rf "$work"
}
trap leave EXIT
if [ "$(id -u)" != 0 ] || ! command -v tc >/dev/null; then
  echo 'skipped: only root can make network namespaces, with ip and tc (package iproute2)'
  exit 0
fi

# link MBIT: two namespaces with a pair of interfaces between them; 50 us in each direction.
link() {
  ip netns delete "$first" 2>/dev/null
  ip netns delete "$second" 2>/dev/null
  ip netns add "$first" && ip netns add "$second" || exit 1
  ip -n "$first" link add p0 type veth peer name p1 netns "$second"
  for i in 0 1; do
    name=$(eval echo "\$$([ $i = 0 ] && echo first || echo second)")
    ip -n "$name" address add "10.77.0.$((i + 1))/24" dev "p$i"
    ip -n "$name" link set "p$i" up
    ip -n "$name" link set lo up
    tc -n "$name" qdisc add dev "p$i" root netem rate "$1mbit" delay 50us limit 100000 || exit 1
  done
}

# column FOLDER NUMBER: the median over the steps of a column of log.csv, which are in milliseconds.
median() {
  tail -n +4 "$1/log.csv" | awk -F, -v c="$2" '{ print $c }' | sort -g |
    awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

number() { head -n 1 "$1/log.csv" | tr , '\n' | grep -n "^$2\$" | cut -d: -f1; }

# step FOLDER: median milliseconds of forward, backward, and optimizer.
step() {
  for part in forward_ms backward_ms optimizer_ms; do
    median "$1" "$(number "$1" $part)"
  done | tr '\n' ' '
}

# A launcher that Open MPI starts like ssh: HOST COMMAND...
cat >"$work/agent" <<END
#!/bin/sh
shift
exec ip netns exec $second sh -c "\$*"
END
chmod +x "$work/agent"
options="--model ${MODEL:-nano} --threads 1 --steps 12 --val-every 0 --keep 0 --overwrite on"
printf '%-14s %6s %10s %10s %8s\n' method Gbit/s measured predicted off
for method in ${METHODS:-adamw muon low-rank-muon}; do
  # Both cores are busy with one rank each, as on two ranks.
  for i in 0 1; do
    # shellcheck disable=SC2086
    "$train" $options --optimizer "$method" --out "$work/alone-$i" >"$work/alone-$i.txt" 2>&1 &
  done
  wait
  alone=$(step "$work/alone-0")
  flops=$(sed -n 's/^flops_per_token = //p' "$work/alone-0/info.txt")
  optimizer=$(sed -n 's/^optimizer_flops_per_step = //p' "$work/alone-0/info.txt")
  tokens=$(sed -n 2p "$work/alone-0/log.csv" | cut -d, -f"$(number "$work/alone-0" tokens)")
  [ "$tokens" != 0 ] || tokens=$(sed -n 3p "$work/alone-0/log.csv" | cut -d, -f"$(number "$work/alone-0" tokens)")
  rates=$(echo "$alone" | awk -v f="$flops" -v t="$tokens" -v o="$optimizer" -v m="$method" '{
    if (m == "adamw") print "--gflops", f * t / ($1 + $2) / 1e6
    else print "--gflops", f * t / ($1 + $2) / 1e6, "--optimizer-gflops", o / $3 / 1e6 }')
  for gbit in 1 10; do
    link $((gbit * 1000))
    # shellcheck disable=SC2086
    ip netns exec "$first" mpirun.openmpi --allow-run-as-root --bind-to none --host 10.77.0.1,10.77.0.2 \
      --mca plm_rsh_agent "$work/agent" --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 \
      --mca oob_tcp_if_include 10.77.0.0/24 -np 2 \
      "$train" $options --optimizer "$method" --out "$work/two" >"$work/two.txt" 2>&1 || tail -n 5 "$work/two.txt"
    measured=$(step "$work/two" | awk '{ print $1 + $2 + $3 }')
    # shellcheck disable=SC2086
    predicted=$("$root/tools/bench" ranks --model "${MODEL:-nano}" --batch 16 --nodes 2 --gbit $gbit --latency-us 50 \
      $rates --memory-gb "${MEMORY_GB:-10}" | awk -v m="$method" '$1 == m && $2 == 2 { print 1e3 * $3 }')
    echo "$method $gbit $measured $predicted" |
      awk '{ printf "%-14s %6s %7.1f ms %7.1f ms %7.0f%%\n", $1, $2, $3, $4, 100 * ($4 / $3 - 1) }'
  done
  echo "  parts on one rank: $alone, on two at 10 Gbit/s: $(step "$work/two") ms"
done
