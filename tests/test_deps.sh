#!/bin/sh
# tools/deps.sh with a fake compiler, apt-get and gnuplot: what it accepts as OpenBLAS, and what it
# installs.
. tests/shell.sh

# A separate PATH: the system's tools that the script needs, and stand-ins.
mkdir "$work/bin" "$work/netlib"
for tool in sh mktemp rm cat paste sed env ln touch; do
  ln -s "$(command -v $tool)" "$work/bin/$tool"
done
program() { cat >"$work/bin/$1" && chmod +x "$work/bin/$1"; }
program id <<'END'
#!/bin/sh
echo 0
END
program pkg-config <<'END'
#!/bin/sh
exit 1
END

# The compiler finds netlib's header, which has no openblas_*, and no -lopenblas, until
# $work/openblas is there.
echo 'enum { CblasRowMajor = 101, CblasNoTrans = 111 };
void cblas_sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float,
                 float *, int);' >"$work/netlib/cblas.h"
echo 'const char *zlibVersion(void);' >"$work/netlib/zlib.h"
cat "$work/netlib/cblas.h" >"$work/with.h"
echo 'int openblas_get_parallel(void); char *openblas_get_corename(void);' >>"$work/with.h"
echo 'int openblas_get_parallel(void) { return 0; } char *openblas_get_corename(void) {
return "Nehalem"; } void sgelqf_(void) {} void cblas_sgemm(void) {}
const char *zlibVersion(void) { return "1"; }' >"$work/library.c"
cc -w -c "$work/library.c" -o "$work/library.o" || exit 1
program cc <<END
#!/bin/sh
blas=no
for word; do
  shift
  case \$word in
    -lopenblas) blas=yes ;;
    -lz) ;;
    *) set -- "\$@" "\$word" ;;
  esac
done
[ \$blas = yes ] && [ ! -e "$work/openblas" ] && [ ! -e "$work/links" ] && exit 1
[ -e "$work/openblas" ] && cat "$work/with.h" >"$work/netlib/cblas.h"
PATH='$PATH' exec $(command -v cc) -I"$work/netlib" "\$@" "$work/library.o"
END
program apt-get <<END
#!/bin/sh
echo "\$*" >>"$work/apt.log"
[ -e "$work/broken" ] && exit 100
case \$* in
  *libopenblas*) touch "$work/openblas" ;;
  *gnuplot*) ln -s /bin/true "$work/bin/gnuplot" ;;
esac
exit 0
END

deps() {
  : >"$work/apt.log"
  run env -i PATH="$work/bin" TMPDIR="$work" sh "$root/tools/deps.sh" "$@"
}
either() { prints "$1" || says "$1"; }
asked() { grep -qF -e "$1" "$work/apt.log"; }
ended() { [ "$code" -eq "$1" ]; }

# netlib alone is not OpenBLAS, also where the library itself links
deps check
check 'netlib is not OpenBLAS' ended 1
touch "$work/links"
deps check
check "netlib's header with OpenBLAS's library" ended 1
rm "$work/links"

deps
check 'OpenBLAS and gnuplot are installed' ended 0
check 'the OpenMP build' asked 'libopenblas-openmp-dev'
check 'it waits for locks' asked 'DPkg::Lock::Timeout'
check 'gnuplot' asked 'gnuplot-nox'
check 'the build' either 'Nehalem, serial build'
check 'what is better' either 'the OpenMP or pthread build is better'
deps
check 'a second time' ended 0
check 'nothing is installed again' [ ! -s "$work/apt.log" ]

# only figures need gnuplot
rm "$work/bin/gnuplot"
touch "$work/broken"
deps
check 'no gnuplot' ended 0
check 'a warning' either 'there will be no figures'

# an installation that fails, and a system without apt-get
rm "$work/openblas"
grep -v openblas_get "$work/with.h" >"$work/netlib/cblas.h"
deps
check 'apt-get fails' ended 1
check 'it is still missing' either 'Still missing after the installation: OpenBLAS'
rm "$work/bin/apt-get"
deps
check 'no apt-get' ended 1
check 'what to do' either 'dnf install'

finish deps
