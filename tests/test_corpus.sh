#!/bin/sh
# tools/corpus.sh without a network: apt-get, dpkg, npm, mod2imp and w3m are stand-ins that know
# four packages. Run from the project's root.
. tests/shell.sh

# sentences NAME: sentences that differ for each name.
sentences() {
  for word in alpha beta gamma delta epsilon zeta eta theta; do
    echo "$1 $word said nothing of $word to $1, and $word was as far from $1 as ever"
  done
}

# The stand-ins' packages, unpacked.
packages() {
  for module in kjv web; do
    mkdir -p "$work/packages/sword-text-$module/usr/share/sword/mods.d"
  done
  : >"$work/packages/sword-text-web/usr/share/sword/mods.d/damaged"
  page=$work/packages/cfi-en/usr/share/doc/cfi-en/html
  mkdir -p "$page" "$work/packages/dict-devil/usr/share/dictd"
  {
    printf '  caf\351     au lait\nThis page last modified on Monday\n'
    sentences page
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

# stand_in NAME LINE...: a program of that name, for this test only.
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
  stand_in mod2imp '[ ! -e "$SWORD_PATH/mods.d/damaged" ] || exit 1' \
    "printf '%s\\n' '\$\$\$Genesis 1:1' ' In  the beginning ' God '\$\$\$Genesis 1:2'" \
    "printf '%s\\n' 'And the earth¶ was' '\$\$\$Genesis 1:3' 'And the earth¶ was'"
  stand_in w3m 'while [ "$1" != -I ]; do shift; done' 'charset=$2' \
    'for page; do :; done' 'iconv -f "$charset" -t UTF-8 "$page"'
  PATH=$work/bin:$PATH
}

fetched() {
  sh "$root/tools/corpus.sh" corpus >said.txt 2>&1
  check "succeeds with the packages that exist" test $? -eq 0
  printf "In the beginning\nGod\nAnd the earth was\n" >verses.txt
  check "a module's verses" cmp verses.txt corpus/train/bible_kjv.txt
  { printf 'caf\303\251  au lait\n' && sentences page; } >page.txt
  check "a page in Latin-1: text, without footer and padding" \
    cmp page.txt corpus/train/copyright_does_not_exist.txt
  sentences devil >devil.txt
  check "a gzipped text" cmp devil.txt corpus/train/devils_dictionary.txt
  check "a damaged module is left out" \
    grep -q 'left out: bible_web: .* cannot be unpacked' corpus/SOURCES.txt
  check "and leaves no file" test ! -e corpus/train/bible_web.txt
  check "a missing package is named" grep -q \
    'left out: sherlock_holmes: no package golang-github-jdkato-prose-dev: E: Unable' \
    corpus/SOURCES.txt
}

split_in_two() {
  check "a president's addresses are all in training or all in validation" sh -c \
    'ls corpus/train/*james_monroe* >/dev/null && ! ls corpus/train | grep -Eq "madison|ford"'
  cat corpus/val/*-state_of_the_union.txt >dealt.txt
  (cd "$work/package/sotu/data" && cat 1809* && echo && cat 1816* && echo && cat 1975*) >whole.txt
  check "the pieces contain the whole text" cmp whole.txt dealt.txt
  check "no piece is larger than 16 kB" test -z "$(find corpus/val -size +32)"
  # Only a text's last piece ends with a line's end; the others with a space after a word.
  check "they are cut where a word ends" test \
    "$(tail -c 1 corpus/val/000-state_of_the_union.txt | tr -d ' \n' | wc -c)" -eq 0
  check "the pieces of all texts begin together" \
    test "$(find corpus/val -name '000-*' | wc -l)" -eq 2
  said=$(sh "$root/tools/corpus.sh" corpus 2>&1)
  check "an existing corpus is not overwritten" test "${said#*corpus/train exists}" != "$said"
}

overlaps() {
  mkdir a b
  sentences one >a/a.txt
  sentences two >b/b.txt
  sh "$root/tools/corpus.sh" --overlap a b >said.txt
  check "training and validation text without common passages" test $? -eq 0
  sed -n 3,5p a/a.txt | tr '\n' ' ' | tr '[:lower:]' '[:upper:]' >b/b.txt
  sh "$root/tools/corpus.sh" --overlap a b >said.txt
  check "a copied passage is found, however it is wrapped" test $? -eq 1
  check "and shown" grep -q 'gamma said nothing of gamma' said.txt
}

cd "$work" || exit 1
packages
stand_ins
fetched
split_in_two
overlaps
finish corpus
