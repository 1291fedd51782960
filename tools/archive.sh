#!/bin/sh
# Keeps what a sweep found, small enough for the repository:
#
#   tools/archive.sh FOLDER NAME [ROWS]        tools/archive.sh runs/nano nano
#
# writes results/NAME/sweep.spec and results/NAME/runs.tar.gz, which holds config.txt, info.txt and
# log.csv of every run that came to its end (a diverged one did). To look at them again:
#
#   tar -xzf results/NAME/runs.tar.gz -C results/NAME && tools/compare results/NAME
#
# Rows of logs stay as they were written. Where a log has more than ROWS (1000) training rows, all
# validation rows stay and every k-th training row. k is a prime, so that a method that does more in
# every 50th step is met there as often as before; for the same reason a validation row between
# those of the k-th step loses its times. The paths in config.txt become relative to the project.
set -eu
export LC_ALL=C TZ=UTC

die() {
  echo "archive: $*" >&2
  exit 1
}

[ $# -eq 2 ] || [ $# -eq 3 ] ||
  die "say tools/archive.sh FOLDER NAME [ROWS], from the project's root: it keeps a sweep's folder
in results/NAME, small enough for the repository"
folder=${1%/}
name=$2
most=${3:-1000}
case $name in '' | */* | .*) die "\"$name\" is no name for a folder in results/" ;; esac
case $most in '' | 0 | *[!0-9]*) die "\"$most\" is no number of rows" ;; esac
[ -f "$folder/sweep.spec" ] ||
  die "$folder: holds no sweep.spec: it is not the folder of a sweep"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/kept"

# How a run ended, in its own words.
result() { sed -n 's/^result = //p' "$1/info.txt" 2>/dev/null | tail -n 1; }

(cd "$folder" && find . -name log.csv) | sed 's|^\./||; s|/log\.csv$||' | sort >"$work/found"
while read -r run; do
  case $(result "$folder/$run") in
    finished | *diverged*) echo "$run" >>"$work/runs" ;;
    *) echo "left out, not at its end: $folder/$run" >&2 ;;
  esac
done <"$work/found"
[ -s "$work/runs" ] || die "$folder: no run in it is at its end"

# The same k for all of them.
longest=0
while read -r run; do
  rows=$(wc -l <"$folder/$run/log.csv")
  [ "$rows" -le "$longest" ] || longest=$rows
done <"$work/runs"
every=1
for prime in 3 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97 101; do
  [ $((longest / every)) -gt "$most" ] || break
  every=$prime
done

# thin LOG: the rows to keep.
thin() {
  awk -F, -v OFS=, -v every="$every" '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print; next }
    { loss = $at["val_loss"] }
    $1 % every == 0 { print; last = NR; next }
    { for (i in at) if (i ~ /_ms$/ || i == "tokens_per_s") $at[i] = ""; row = $0 }
    loss != "" { print row; last = NR }
    END { if (last != NR && NR > 1) print row }' "$1"
}

# Paths as they are from the project: a sweep may have stood anywhere.
here=$(pwd)
relative() {
  sed -e "s|$here/||g" -e "s|^out = .*|out = runs/$name/$1|"
}

while read -r run; do
  mkdir -p "$work/kept/$run"
  relative "$run" <"$folder/$run/config.txt" >"$work/kept/$run/config.txt"
  relative "$run" <"$folder/$run/info.txt" >"$work/kept/$run/info.txt"
  if [ "$every" -eq 1 ]; then cp "$folder/$run/log.csv" "$work/kept/$run/log.csv"
  else thin "$folder/$run/log.csv" >"$work/kept/$run/log.csv"
  fi
done <"$work/runs"
relative '' <"$folder/sweep.spec" |
  sed 's|^# made from /.*/|# made from |' >"$work/sweep.spec"
find "$work/sweep.spec" "$work/kept" -type f ! -name log.csv -exec cat {} + |
  grep -E '(^|[ =,])/[^ /]+/' | sort -u   >"$work/absolute" || true
if [ -s "$work/absolute" ]; then
  echo "these lines name paths that mean nothing elsewhere:" >&2
  head -n 5 "$work/absolute" >&2
fi

# The same runs give the same bytes, whenever and by whomever they are packed.
if tar --version 2>/dev/null | grep -q GNU; then nobody='--owner=0 --group=0 --numeric-owner'
else nobody='--uid 0 --gid 0 --numeric-owner'
fi
find "$work/kept" -type f -exec touch -t 200001010000 {} +
(cd "$work/kept" && find . -type f | sed 's|^\./||' | sort >"$work/files")
# shellcheck disable=SC2086
tar -cf "$work/runs.tar" --format=ustar $nobody -C "$work/kept" -T "$work/files"
gzip -9n "$work/runs.tar"

mkdir -p "results/$name"
cp "$work/sweep.spec" "$work/runs.tar.gz" "results/$name/"
runs=$(wc -l <"$work/runs")
bytes=$(wc -c <"results/$name/runs.tar.gz")
echo "results/$name: $((runs)) runs, $((bytes / 1024)) kB packed"
[ "$every" -eq 1 ] || echo "of $every training rows one is kept"
