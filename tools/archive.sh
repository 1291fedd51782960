#!/bin/sh
# Packs the runs of a sweep for the repository:
#
#   tools/archive.sh FOLDER NAME        tools/archive.sh runs/nano nano
#   tools/archive.sh FOLDER NAME 20     keeps every 20th row of the logs, the last, and those with
#                                       a validation loss
#
# writes results/NAME/sweep.spec and results/NAME/runs.tar.gz, which holds config.txt, info.txt,
# log.csv and spectrum.csv of every run that finished or diverged. NAME may begin with questions/. To
# look at them again:
#
#   tools/compare results/NAME/runs.tar.gz
#
# The paths in config.txt become relative to the project.
set -eu
[ "${1:-}" != --help ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit; }
export LC_ALL=C TZ=UTC

die() {
  echo "archive: $*" >&2
  exit 1
}

case $# in 2 | 3) ;; *) die "usage, from the project's root: tools/archive.sh FOLDER NAME [EVERY]; it
packs the runs of a sweep into results/NAME" ;; esac
folder=${1%/}
name=$2
every=${3:-1}
case ${name#questions/} in '' | */* | .*) die "invalid folder name \"$name\" for results/" ;; esac
case $every in '' | 0* | *[!0-9]*) die "\"$every\" is not a number of rows" ;; esac
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
    *) echo "left out, not finished: $folder/$run" >&2 ;;
  esac
done <"$work/found"
[ -s "$work/runs" ] || die "$folder: no run in it has finished"

# Paths relative to the project, wherever the sweep was.
here=$(pwd)
relative() {
  sed -e "s|$here/||g" -e "s|^out = .*|out = runs/$name/$1|"
}

while read -r run; do
  mkdir -p "$work/kept/$run"
  relative "$run" <"$folder/$run/config.txt" >"$work/kept/$run/config.txt"
  relative "$run" <"$folder/$run/info.txt" >"$work/kept/$run/info.txt"
  awk -F, -v every="$every" '{ kept = NR == 1 || $1 % every == 0 || $5 != "" }
    kept
    END { if (!kept) print }' "$folder/$run/log.csv" >"$work/kept/$run/log.csv"
  [ ! -e "$folder/$run/spectrum.csv" ] || cp "$folder/$run/spectrum.csv" "$work/kept/$run"
done <"$work/runs"
relative '' <"$folder/sweep.spec" |
  sed 's|^# made from /.*/|# made from |' >"$work/sweep.spec"
find "$work/sweep.spec" "$work/kept" -type f ! -name log.csv -exec cat {} + |
  grep -E '(^|[ =,])/[^ /]+/' | sort -u >"$work/absolute" || true
if [ -s "$work/absolute" ]; then
  echo "these lines hold absolute paths, which exist on this machine alone:" >&2
  head -n 5 "$work/absolute" >&2
fi

# The same runs give the same bytes, whenever and by whoever packs them.
if tar --version 2>/dev/null | grep -q GNU; then owner='--owner=0 --group=0 --numeric-owner'
else owner='--uid 0 --gid 0 --numeric-owner'
fi
find "$work/kept" -type f -exec touch -t 200001010000 {} +
(cd "$work/kept" && find . -type f | sed 's|^\./||' | sort >"$work/files")
# shellcheck disable=SC2086
tar -cf "$work/runs.tar" --format=ustar $owner -C "$work/kept" -T "$work/files"
gzip -9n "$work/runs.tar"

mkdir -p "results/$name"
cp "$work/sweep.spec" "$work/runs.tar.gz" "results/$name/"
runs=$(wc -l <"$work/runs")
bytes=$(wc -c <"results/$name/runs.tar.gz")
echo "results/$name: $((runs)) runs, $((bytes / 1024)) kB packed"
