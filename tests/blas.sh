#!/bin/sh
# blas.sh TEST...: runs the test programs with the serial, pthread and OpenMP builds of OpenBLAS,
# and with its cores for other processors that run on this one. Run as `make test-blas`.
set -u
folder=build/blas
passed=0
failed=0

# with WHAT SETTING TEST...
with() {
  what=$1
  setting=$2
  shift 2
  env "$setting" sh tests/run.sh "$@" >"$folder/output" 2>&1
  line=$(tail -n 1 "$folder/output")
  case $line in
    *' passed, 0 failed') ;;
    *' passed, '*' failed') cat "$folder/output" ;;
    *) cat "$folder/output"; line='0 passed, 1 failed' ;;
  esac
  echo "$what: $line"
  passed=$((passed + ${line%% *}))
  line=${line#*passed, }
  failed=$((failed + ${line%% *}))
}

# The build's library, unpacked; nothing is installed. Fails where apt-get has no such package.
fetch() {
  ls "$folder/$1"/usr/lib/*/openblas-"$1" >/dev/null 2>&1 && return
  command -v apt-get >/dev/null || return 1
  mkdir -p "$folder/$1"
  (cd "$folder/$1" && apt-get -qq -o APT::Sandbox::User=root download "libopenblas0-$1" &&
    dpkg-deb -x ./*.deb .) >/dev/null 2>&1
}

builds() {
  for build in serial pthread openmp; do
    if fetch "$build"; then
      library=$(echo "$PWD/$folder/$build"/usr/lib/*/openblas-"$build")
      with "OpenBLAS $build" LD_LIBRARY_PATH="$library" "$@"
    else
      echo "skipped: OpenBLAS $build (apt-get has no package libopenblas0-$build)"
    fi
  done
}

# The core's name and the processor's flag that it needs.
cores() {
  while read -r core flag; do
    if grep -qw "$flag" /proc/cpuinfo 2>/dev/null; then
      with "core $core" OPENBLAS_CORETYPE="$core" "$@" </dev/null
    else
      echo "skipped: core $core (this processor has no $flag)"
    fi
  done <<END
Prescott pni
Haswell avx2
Zen avx2
SkylakeX avx512f
Cooperlake avx512_bf16
END
}

mkdir -p "$folder"
builds "$@"
cores "$@"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
