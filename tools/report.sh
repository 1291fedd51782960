#!/bin/sh
# Redraws what README shows from the logs kept in results/, without training. For each results/NAME
# that tools/archive.sh made:
#
#   table.md   the tables of tools/compare; README's copy, between the lines
#              <!-- results/NAME/table.md --> and <!-- end -->, is replaced
#   *.svg      the figures that README names; all of them as long as it names none
#
# Run from the project's root.
set -eu

if [ $# -gt 0 ] || [ ! -x tools/compare ]; then
  echo "report: takes no arguments; run it as make report, from the project's root" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$(pwd)

# insert NAME: README's copy of the table.
insert() {
  begin="<!-- results/$1/table.md -->"
  grep -qxF -- "$begin" README.md || return 0
  if ! awk -v begin="$begin" -v table="results/$1/table.md" '
    $0 == begin {
      print $0 "\n"
      while ((getline line < table) > 0) print line
      print ""
      inside = 1
    }
    $0 == "<!-- end -->" { inside = 0 }
    !inside
    END { exit inside }' README.md >"$work/README.md"; then
    echo "report: README.md: \"$begin\" is not followed by a line <!-- end -->" >&2
    exit 1
  fi
  cmp -s "$work/README.md" README.md || cat "$work/README.md" >README.md
}

# redraw NAME
redraw() {
  mkdir "$work/$1"
  tar -xzf "results/$1/runs.tar.gz" -C "$work/$1"
  cp "results/$1/sweep.spec" "$work/$1"
  (cd "$work" && "$root/tools/compare" "$1" --format markdown --figures figures) >"$work/table.md"
  cp "$work/table.md" "results/$1/table.md"
  rm -f "results/$1"/*.svg
  for picture in "$work"/figures/*.svg; do
    own=results/$1/$(basename "$picture")
    if grep -qF "$own" README.md || ! grep -q "results/$1/.*svg" README.md; then
      cp "$picture" "$own"
    fi
  done
  rm -rf "$work/figures"
  insert "$1"
  echo "results/$1: $(find "results/$1" -name '*.svg' | wc -l | tr -d ' ') figures, table.md"
}

for kept in results/*/runs.tar.gz; do
  if [ ! -e "$kept" ]; then
    echo "report: results/ holds no runs.tar.gz; tools/archive.sh makes one of a sweep" >&2
    exit 1
  fi
  redraw "$(basename "$(dirname "$kept")")"
done
