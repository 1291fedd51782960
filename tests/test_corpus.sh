#!/bin/sh
# data/get-corpus.sh without a network: apt-get, dpkg and npm are stand-ins here, which know four
# packages. Run from the project's root, where tools/unpack is built.
set -u

root=$(pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check TEXT COMMAND...: the command has to succeed.
check() {
  text=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok: $text"
  else
    failed=$((failed + 1))
    echo "FAILED: $text: $*"
  fi
}

# A Bible of two verses, of which the second is listed twice; zlib's packing by hand, as "stored".
small_bible() {
  mkdir -p "$1"
  printf '\000\000\000\000\130\000\000\000\115\000\000\000' >"$1/ot.bzs"
  {
    printf '\000\000\000\000\000\000\000\000\072\000'
    printf '\000\000\000\000\072\000\000\000\023\000'
    printf '\000\000\000\000\072\000\000\000\023\000'
  } >"$1/ot.bzv"
  {
    printf '\170\001\001\115\000\262\377'
    printf '<p>In the <w>beginning</w> God&apos;s</p><note>drop</note>And the earth\302\266 was'
    printf '\006\077\033\216'
  } >"$1/ot.bzz"
}

# sentences NAME: some that no other name has.
sentences() {
  for word in alpha beta gamma delta epsilon zeta eta theta; do
    echo "$1 $word said nothing of $word to $1, and $word was as far from $1 as ever"
  done
}

# The stand-ins' packages, unpacked.
packages() {
  modules=usr/share/sword/modules/texts/ztext
  small_bible "$work/packages/sword-text-kjv/$modules/engKJV2006eb"
  small_bible "$work/packages/sword-text-web/$modules/engWEB2015eb"
  printf 'no zlib' >"$work/packages/sword-text-web/$modules/engWEB2015eb/ot.bzz"
  page=$work/packages/cfi-en/usr/share/doc/cfi-en/html
  mkdir -p "$page" "$work/packages/dict-devil/usr/share/dictd"
  {
    printf '<html><head><title>no</title></head><body><h1>One &amp;\n two</h1><p>caf\351<!-- > -->'
    printf '<pre>a\n  b &lt; c<script>no()</script></pre>'
    sentences page
    printf '</body>'
  } >"$page/index.htm"
  sentences devil | gzip >"$work/packages/dict-devil/usr/share/dictd/devil.dict.dz"
  mkdir -p "$work/package/sotu/data" "$work/package/moby-dick/data"
  for address in 1809_james_madison_dr 1816_james_madison_dr 1817_james_monroe_dr; do
    sentences "$address" >"$work/package/sotu/data/$address.txt"
  done
  awk 'BEGIN { for (i = 0; i < 9000; i++) printf "word%d ", i; print "" }' \
    >"$work/package/sotu/data/1975_gerald_r_ford_r.txt"
  sentences whale >"$work/package/moby-dick/data/data.txt"
  tar -czf "$work/datasets.tgz" -C "$work" package
}

# stand_in NAME LINE...: a program of that name, for this test alone.
stand_in() {
  name=$1
  shift
  printf '%s\n' '#!/bin/sh' "packages='$work/packages'" "$@" >"$work/bin/$name"
  chmod +x "$work/bin/$name"
}

# shellcheck disable=SC2016
stand_ins() {
  mkdir "$work/bin"
  stand_in apt-get 'for package; do :; done' \
    'if [ -d "$packages/$package" ]; then : >"${package}_1.0_all.deb"; exit; fi' \
    'echo "E: Unable to locate package $package"; exit 100'
  stand_in dpkg 'package=$(basename "$2" _1.0_all.deb)' \
    'mkdir -p "$3" && cp -R "$packages/$package/." "$3"'
  stand_in npm 'cp "$packages/../datasets.tgz" .'
  PATH=$work/bin:$PATH
}

fetched() {
  sh "$root/data/get-corpus.sh" corpus >said.txt 2>&1
  check "it ends well with what there is" test $? -eq 0
  printf "In the beginning God's\nAnd the earth was\n" >verses.txt
  check "a module's verses" cmp verses.txt corpus/train/bible_kjv.txt
  head -n 7 corpus/train/copyright_does_not_exist.txt >page.txt
  printf 'One & two\n\ncaf\303\251\n\na\n  b < c\n\n' >wanted.txt
  check "a page's text" cmp wanted.txt page.txt
  sentences devil >devil.txt
  check "its lines are joined outside of pre" grep -q 'as ever page beta' \
    corpus/train/copyright_does_not_exist.txt
  check "a gzipped text" cmp devil.txt corpus/train/devils_dictionary.txt
  check "a damaged module is left out" \
    grep -q 'left out: bible_web: .* cannot be unpacked' corpus/SOURCES.txt
  check "and leaves no file" test ! -e corpus/train/bible_web.txt
  check "a missing package is named" grep -q \
    'left out: sherlock_holmes: no package golang-github-jdkato-prose-dev: E: Unable' \
    corpus/SOURCES.txt
}

split_in_two() {
  check "a president's addresses stand on one side" sh -c \
    'ls corpus/train/*james_monroe* >/dev/null && ! ls corpus/train | grep -Eq "madison|ford"'
  cat corpus/val/*-state_of_the_union.txt >dealt.txt
  (cd "$work/package/sotu/data" && cat 1809* && echo && cat 1816* && echo && cat 1975*) >whole.txt
  check "pieces hold their text" cmp whole.txt dealt.txt
  check "no piece is larger than 16 kB" test -z "$(find corpus/val -size +32)"
  # Only a text's last piece ends with a line's end; the others with a space behind a word.
  check "they are cut where a word ends" test \
    "$(tail -c 1 corpus/val/000-state_of_the_union.txt | tr -d ' \n' | wc -c)" -eq 0
  check "the pieces of all texts begin together" \
    test "$(find corpus/val -name '000-*' | wc -l)" -eq 2
  said=$(sh "$root/data/get-corpus.sh" corpus 2>&1)
  check "it does not write over a corpus" test "${said#*corpus/train is there already}" != "$said"
}

overlaps() {
  mkdir a b
  sentences one >a/a.txt
  sentences two >b/b.txt
  sh "$root/data/get-corpus.sh" --overlap a b >said.txt
  check "sides without anything in common" test $? -eq 0
  sed -n 3,5p a/a.txt | tr '\n' ' ' | tr '[:lower:]' '[:upper:]' >b/b.txt
  sh "$root/data/get-corpus.sh" --overlap a b >said.txt
  check "a copied passage is found, wrapped in whatever way" test $? -eq 1
  check "and shown" grep -q 'gamma said nothing of gamma' said.txt
}

cd "$work" || exit 1
packages
stand_ins
fetched
split_in_two
overlaps
echo "corpus: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
