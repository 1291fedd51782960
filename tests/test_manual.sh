#!/bin/sh
# --help TOPIC, hints for options of other programs, completion in bash, manual pages.
. tests/shell.sh

# completes "WORDS" "LINE": the last word of the command line, which may be empty, has these
# completions among others.
completes() {
  # shellcheck disable=SC2016
  bash -c '
    source tools/completion.bash
    COMP_WORDS=($2) COMP_CWORD=$(($(wc -w <<<"$2") - 1))
    [[ $2 == *" " ]] && COMP_WORDS+=("") && COMP_CWORD=$((COMP_CWORD + 1))
    _polar "${COMP_WORDS[0]}"
    printf "%s\n" "${COMPREPLY[@]}"' - '' "$2" >"$work/completed"
  for word in $1; do
    check "\"$2\" completes to $word, not $(tr '\n' ' ' <"$work/completed")" \
      grep -qxF -e "$word" "$work/completed"
  done
}

topics() {
  answers 0 'Decay of the momentum' "$train" --help muon
  answers 0 '--warmup' "$train" --help schedule
  answers 0 '--aux-lr' "$train" --help auxiliary
  answers 0 'with normuon' "$train" --help --beta2
  answers 0 'Clip the global gradient norm' "$train" --help clip
  run "$train" --help clip
  check "and no other option" test "$(wc -l <"$work/stdout")" -eq 1
  answers 0 'There is no option --learning_rate; use --lr.' "$train" --help learning_rate
  answers 2 'did you mean muon?' "$train" --help moun
  answers 2 'did you mean batch?' "$train" --help bacth
  answers 2 'there is no option --n_embd; use --channels' "$train" --n_embd 64
  answers 2 'use --steps' "$train" --iterations 5
  answers 2 'use @FILE' "$train" --config x.py
  answers 2 'use --lr' "$tools/sweep" --optimizers adamw --learning_rate 1
}

completion() {
  completes '--lr --steps --help' './train --'
  completes '--ns-steps --lr' './train --optimizer muon --'
  completes 'muon low-rank-muon' './train --optimizer '
  completes 'muon msgd' './train --help m'
  completes 'cosine constant' './train --schedule c'
  completes 'svd newton-schulz' './train --optimizer muon --orthogonalize '
  completes '--format --html' 'tools/compare runs/x --'
  completes 'markdown' 'tools/compare --format m'
  completes '' './train --ns-steps '
  check "a number has no completions" test -z "$(cat "$work/completed")"
}

# Installs into a folder; the pages are read by groff where it is there.
installed() {
  make -s -o all install DESTDIR="$work/root" PREFIX=/usr >"$work/installed" 2>&1
  man=$work/root/usr/share/man/man1
  check "a page for each command" test \
    "$(find "$man" -name 'polar-*.1' | wc -l)" -eq "$(find "$work/root/usr/bin" -type f | wc -l)"
  check "a page has the options of optimizers" grep -q 'ns\\-schedule' "$man/polar-train.1"
  check "and names the installed commands" \
    test "$(grep -c 'tools/sweep' "$man/polar-sweep.1")" -eq 0
  check "completion of each command" test \
    -e "$work/root/usr/share/bash-completion/completions/polar-sweep"
  command -v groff >/dev/null || return
  for page in "$man"/*.1; do
    groff -man -ww -Tutf8 "$page" >/dev/null 2>"$work/groff"
    check "$(basename "$page") is a valid page: $(head -n 1 "$work/groff")" test ! -s "$work/groff"
  done
}

topics
completion
installed
finish manual
