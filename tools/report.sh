#!/bin/sh
# Draws the tables and figures of results/ again from the logs kept there, without training. For
# each results/NAME that tools/archive.sh made:
#
#   table.md   the tables of tools/compare; copied into README.md and docs/*.md between the lines
#                <!-- results/NAME/table.md --> and <!-- end -->
#              or, between <!-- results/NAME/table.md: muon adamw --> and <!-- end -->, the rows of
#              these optimizers with the most important columns
#   *.svg      the figures that README.md and docs/*.md name; all of them if they name none
#
# Run from the project's root.
set -eu
[ "${1:-}" != --help ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit; }

if [ $# -gt 0 ] || [ ! -x tools/compare ]; then
  echo "report: takes no arguments; run it as make report, from the project's root" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pages=$(ls README.md docs/*.md 2>/dev/null || true)

# fill PAGE NAME: the page's copies of the table.
fill() {
  awk -v table="results/$2/table.md" -v page="$1" '
    function trim(s) { gsub(/^[ *]+|[ *]+$/, "", s); return s }
    function stop(why) {
      print "report: " page ": \"" mark "\" " why >"/dev/stderr"
      failed = 1
      exit 1
    }
    # Columns are found by their titles: cell["muon", "val loss"].
    function read_table(  line, n, part, head, i) {
      while ((getline line < table) > 0) {
        whole = whole line "\n"
        n = split(line, part, "|")
        if (n < 3) head[1] = ""
        else if (trim(part[2]) == "optimizer") {
          for (i = 2; i < n; i++) head[i] = trim(part[i])
          for (i = 2; i < n; i++) if (head[i] ~ /^steps to/) head[i] = "steps"
        } else for (i = 3; i < n; i++) cell[trim(part[2]), head[i]] = trim(part[i])
      }
    }
    function write_rows(names,  n, name, i, c) {
      print "| optimizer | validation loss | standard deviation | steps to AdamW'"'"'s loss |" \
            " optimizer, ms/step | state, MB |"
      print "|:--|--:|--:|--:|--:|--:|"
      n = split(names, name, " ")
      for (i = 1; i <= n; i++) {
        if (!((name[i], "val loss") in cell)) stop("names " name[i] ", which " table " has not")
        c = "| `" name[i] "` | " cell[name[i], "val loss"] " | " cell[name[i], "sd"] " | "
        print c cell[name[i], "steps"] " | " cell[name[i], "optimizer ms"] " | " \
              cell[name[i], "state MB"] " |"
      }
    }
    BEGIN { read_table(); begin = "<!-- " table }
    index($0, begin) == 1 && !inside {
      mark = $0
      inside = 1
      print $0 "\n"
      rest = substr($0, length(begin) + 1)
      sub(/ *-->$/, "", rest)
      if (rest == "") printf "%s", whole
      else write_rows(substr(rest, 2))
      print ""
    }
    $0 == "<!-- end -->" { inside = 0 }
    !inside
    END { if (inside && !failed) stop("is not followed by a line <!-- end -->"); exit failed }
  ' "$1" >"$work/page" || exit 1
  cmp -s "$work/page" "$1" || cat "$work/page" >"$1"
}

# redraw NAME
redraw() {
  tools/compare "results/$1/runs.tar.gz" --format markdown >"$work/table.md"
  cp "$work/table.md" "results/$1/table.md"
  for page in $pages; do fill "$page" "$1"; done
  # The optimizers of a short table are also those in colour.
  # shellcheck disable=SC2086
  names=$(sed -n "s|^<!-- results/$1/table.md: \(.*\) -->|\1|p" $pages | head -n 1)
  tools/compare "results/$1/runs.tar.gz" --figures "$work/figures" --highlight "$names" >/dev/null
  rm -f "results/$1"/*.svg
  for picture in "$work"/figures/*.svg; do
    own=results/$1/$(basename "$picture")
    # shellcheck disable=SC2086
    if grep -qsF "$own" $pages || ! grep -qs "results/$1/.*svg" $pages; then
      cp "$picture" "$own"
    fi
  done
  rm -rf "$work/figures"
  echo "results/$1: $(find "results/$1" -name '*.svg' | wc -l | tr -d ' ') figures, table.md"
}

find results -name runs.tar.gz 2>/dev/null | sort >"$work/archives"
if [ ! -s "$work/archives" ]; then
  echo "report: results/ holds no runs.tar.gz; tools/archive.sh makes one of a sweep" >&2
  exit 1
fi
while read -r kept; do
  name=${kept#results/}
  redraw "${name%/runs.tar.gz}"
done <"$work/archives"
