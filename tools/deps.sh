#!/bin/sh
# deps.sh [fuzzer [check]]: installs what building, testing and drawing need, or for "fuzzer" a
# clang with libFuzzer, where the system's package manager is known; elsewhere says what is missing.
# With "check" it installs nothing; exit code 0: all is there. CC is the compiler, "cc" by default.
set -u
[ "${1:-}" != --help ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
: "${CC:=cc}"

# ---- what is installed ----

# OpenBLAS is what compiles and links with all that we use: netlib's cblas.h has neither
# openblas_get_parallel nor, with its library, LAPACK. The program prints the build.
cat >"$work/blas.c" <<'END'
#include <cblas.h>
#include <stdio.h>
void sgelqf_(int *, int *, float *, int *, float *, float *, int *, int *);
int main(void) {
  static const char *const builds[] = {"serial", "pthread", "OpenMP"};
  float a = 1, t, w[32];
  int one = 1, room = 32, info;
  sgelqf_(&one, &one, &a, &one, &t, w, &room, &info);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1, &a, 1, &a, 1, 0, &t, 1);
  printf("%s, %s build\n", openblas_get_corename(), builds[openblas_get_parallel()]);
  return 0;
}
END

# The flags are words, as is CC ("ccache gcc").
# shellcheck disable=SC2046,SC2086
has_blas() {
  $CC -Werror=implicit-function-declaration $(pkg-config --cflags openblas 2>/dev/null) \
    "$work/blas.c" -o "$work/blas" $(pkg-config --libs openblas 2>/dev/null || echo -lopenblas) \
    2>"$work/blas.errors"
}

# shellcheck disable=SC2086
has_zlib() {
  echo '#include <zlib.h>
int main(void) { return zlibVersion() == 0; }' >"$work/zlib.c"
  $CC "$work/zlib.c" -o "$work/zlib" -lz 2>/dev/null
}

has_fuzzer() {
  echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }' >"$work/fuzz.c"
  clang -fsanitize=fuzzer "$work/fuzz.c" -o "$work/fuzz" 2>/dev/null
}

# shellcheck disable=SC2086
missing() {
  command -v ${CC##* } >/dev/null 2>&1 || echo "a C compiler ($CC)"
  has_blas || echo OpenBLAS
  has_zlib || echo zlib
}

say_blas() {
  build=$("$work/blas" 2>/dev/null) || return 0
  echo "OpenBLAS: $build"
  case $build in
    *serial*) echo "The serial build allows one thread; the OpenMP or pthread build is better" \
      "(Debian: libopenblas-openmp-dev)." ;;
  esac
}

# ---- installing ----

as_root=
can_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  [ "$(id -u)" = 0 ] && return 0
  as_root=sudo
  command -v sudo >/dev/null 2>&1
}

# Waits up to ten minutes for another program that holds apt's locks.
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq "$@" >/dev/null
}

advise() {
  echo "Missing: $1. apt-get, as root or with sudo, is not available here; install a C" >&2
  echo "compiler, make, pkg-config, OpenBLAS (better the OpenMP build), zlib and gnuplot with" >&2
  echo "your system's package manager, then try again:" >&2
  echo "  Debian:  apt-get install gcc make pkg-config libopenblas-openmp-dev zlib1g-dev" \
    "gnuplot-nox" >&2
  echo "  Fedora:  dnf install gcc make pkgconf openblas-devel zlib-devel gnuplot" >&2
  echo "  Arch:    pacman -S gcc make pkgconf openblas zlib gnuplot" >&2
  echo "  macOS:   brew install gcc openblas zlib gnuplot; make CC=gcc-14" >&2
  exit 1
}

install_build() {
  wanted=$(missing | paste -sd, - | sed 's/,/, /g')
  [ -z "$wanted" ] && return 0
  can_install || advise "$wanted"
  set -- gcc libc6-dev make pkg-config zlib1g-dev
  case $wanted in *OpenBLAS*) set -- "$@" libopenblas-openmp-dev ;; esac
  echo "Installing what is missing ($wanted): $*"
  apt update || true
  apt install -y "$@"
  wanted=$(missing | paste -sd, - | sed 's/,/, /g')
  [ -z "$wanted" ] && return 0
  echo "Still missing after the installation: $wanted" >&2
  cat "$work/blas.errors" >&2
  exit 1
}

# Only figures need it.
install_gnuplot() {
  command -v gnuplot >/dev/null 2>&1 && return 0
  if can_install; then
    echo "Installing gnuplot-nox..."
    { apt update; apt install -y gnuplot-nox; } || true
  fi
  command -v gnuplot >/dev/null 2>&1 ||
    echo "gnuplot is missing and cannot be installed: there will be no figures." >&2
}

# libFuzzer is a separate package in some releases, named after clang's version.
install_fuzzer() {
  can_install || return 1
  echo "Installing clang with libFuzzer..."
  apt update || true
  apt install -y clang || return 1
  has_fuzzer && return 0
  apt install -y "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev" && has_fuzzer
}

case "${1:-} ${2:-}" in
  " ")
    install_build
    install_gnuplot
    say_blas ;;
  "check ") [ -z "$(missing)" ] ;;
  "fuzzer check") has_fuzzer ;;
  "fuzzer ")
    has_fuzzer || install_fuzzer || {
      echo "Fuzzing needs clang with libFuzzer, which is missing and cannot be installed with" \
        "apt-get; install clang and compiler-rt with your system's package manager." >&2
      exit 1
    } ;;
  *)
    echo "usage: tools/deps.sh [fuzzer] [check]" >&2
    exit 2 ;;
esac
