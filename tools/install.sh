#!/bin/sh
# Installs what building, testing and drawing need, where the system's package manager is known;
# elsewhere says what is missing.
set -eu

missing() {
  command -v cc >/dev/null 2>&1 || echo cc
  command -v gnuplot >/dev/null 2>&1 || echo gnuplot
  command -v pkg-config >/dev/null 2>&1 || echo pkg-config
  for header in cblas.h zlib.h; do
    # shellcheck disable=SC2046
    printf '#include <%s>\n' "$header" |
      cc -E $(pkg-config --cflags openblas 2>/dev/null || true) - >/dev/null 2>&1 || echo "$header"
  done
}

wanted=$(missing | tr '\n' ' ')
[ -z "$wanted" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "Missing here: $wanted" >&2
  echo "Install a C compiler, make, pkg-config, OpenBLAS (with cblas.h; the OpenMP build if there" >&2
  echo "is a choice), zlib and gnuplot with your system's package manager, then try again:" >&2
  echo "  Fedora:  dnf install gcc make pkgconf openblas-devel zlib-devel gnuplot" >&2
  echo "  Arch:    pacman -S gcc make pkgconf openblas zlib gnuplot" >&2
  echo "  macOS:   brew install gcc openblas zlib gnuplot; make CC=gcc-14" >&2
  exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "Missing here: $wanted" >&2
    echo "Become root, or install sudo, and run: apt-get install gcc make pkg-config" \
      "libopenblas-openmp-dev zlib1g-dev gnuplot-nox" >&2
    exit 1
  fi
  as_root=sudo
fi
echo "Installing what is missing ($wanted)..."
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq gcc libc6-dev make pkg-config \
  libopenblas-openmp-dev zlib1g-dev gnuplot-nox >/dev/null
