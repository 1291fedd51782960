#!/bin/sh
# Cross-builds for AArch64 and runs C tests under qemu-user. Libraries for AArch64 are unpacked into
# build/arm/root; the system is changed only by installing the cross compiler and qemu, if they are
# missing. Where there is no apt-get, it says so and skips. Run as `make test-arm`.
set -eu
root=build/arm/root
compiler=aarch64-linux-gnu-gcc
qemu='qemu-aarch64-static'
# The rest differs only in code that does not depend on the processor, or takes minutes in qemu.
tests=${ARM_TESTS:-test_blas test_elementary test_family test_lapack test_random
  test_layers_double test_optim test_orthogonalize
  test_options test_pytorch test_spectrum test_statistics test_training}

skip() {
  echo "arm: skipped: $1" >&2
  echo "0 passed, 0 failed"
  exit 0
}

install_programs() {
  command -v "$compiler" >/dev/null && command -v "$qemu" >/dev/null && return
  as_root=
  [ "$(id -u)" = 0 ] || as_root=sudo
  [ -z "$as_root" ] || command -v sudo >/dev/null ||
    skip 'become root, or install gcc-aarch64-linux-gnu and qemu-user-static'
  echo "Installing gcc-aarch64-linux-gnu and qemu-user-static..."
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq gcc-aarch64-linux-gnu \
    qemu-user-static >/dev/null
}

# apt with its own state, so that the system's list of architectures does not change.
arm_apt() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
    -o Dir::State="$apt" -o Dir::State::status=/dev/null -o Dir::Cache="$apt" \
    -o APT::Sandbox::User=root "$@"
}

fetch_libraries() {
  [ -e "$root/done" ] && return
  echo "Unpacking OpenBLAS, zlib and libgfortran for AArch64 into $root..."
  mkdir -p "$root" build/arm/apt/lists/partial build/arm/apt/archives/partial
  apt=$PWD/build/arm/apt
  arm_apt update
  (cd build/arm/apt && arm_apt download libopenblas0-openmp libopenblas-openmp-dev zlib1g \
    zlib1g-dev libgfortran5)
  for package in build/arm/apt/*.deb; do dpkg-deb -x "$package" "$root"; done
  : >"$root/done"
}

command -v apt-get >/dev/null || skip 'there is no apt-get here to install a cross compiler with'
install_programs
fetch_libraries
blas=$root/usr/lib/aarch64-linux-gnu/openblas-openmp
libraries=$blas:$root/usr/lib/aarch64-linux-gnu:$root/lib/aarch64-linux-gnu
programs=$(for test in $tests; do echo "build/arm/$test"; done)
# shellcheck disable=SC2086
make --no-print-directory -j"$(nproc)" BUILD=build/arm CC="${CCACHE:-} $compiler" ARCH= \
  BLAS_C="-isystem $root/usr/include/aarch64-linux-gnu/openblas-openmp -isystem $root/usr/include" \
  BLAS_L="-L$blas -L$root/usr/lib/aarch64-linux-gnu -Wl,-rpath-link,$libraries -lopenblas" \
  build/arm/train $programs
# shellcheck disable=SC2086
RUN="$qemu -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=$libraries" sh tests/run.sh $programs
