#!/bin/sh
# install-fuzzer.sh [check]: exits 0 where there is a clang with libFuzzer. Without "check" it first
# installs one, where the system's package manager is known, or says that it cannot.
set -u

has_fuzzer() {
  probe=$(mktemp -d) || return 1
  echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }' >"$probe/a.c"
  clang -fsanitize=fuzzer "$probe/a.c" -o "$probe/a" 2>/dev/null
  found=$?
  rm -rf "$probe"
  return $found
}

# libFuzzer is a package of its own in some releases, named after clang's version.
install_fuzzer() {
  as_root=
  [ "$(id -u)" = 0 ] || as_root=sudo
  for program in apt-get $as_root; do command -v "$program" >/dev/null 2>&1 || return 1; done
  echo "Installing clang with libFuzzer..."
  export DEBIAN_FRONTEND=noninteractive
  $as_root apt-get update -qq
  $as_root apt-get install -y -qq clang >/dev/null || return 1
  has_fuzzer && return 0
  version=$(clang -dumpversion | cut -d. -f1)
  $as_root apt-get install -y -qq "libclang-rt-$version-dev" >/dev/null && has_fuzzer
}

has_fuzzer && exit 0
[ "${1:-}" = check ] && exit 1
install_fuzzer && exit 0
echo "Fuzzing needs clang with libFuzzer, which is not here and cannot be installed by apt-get;" \
  "install clang and compiler-rt with your system's package manager." >&2
exit 1
