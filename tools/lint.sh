#!/bin/sh
# Scripts, headers and language; `make lint` runs the analyzers first. Exit code 1 with a finding.
# lint.sh language: that check alone.
set -u
[ "${1:-}" != --help ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit; }
cd "$(dirname "$0")/.." || exit 1
status=0

scripts() {
  if command -v shellcheck >/dev/null; then
    git ls-files '*.sh' .ci/run | xargs shellcheck -x || status=1
  else
    echo 'skipped: shellcheck is not installed'
  fi
}

# Phrases of the table in CONTRIBUTING.md, which are wrong nearly everywhere. A line where one is
# right is listed in tools/lint.allow as a part of FILE:LINE:TEXT.
language() {
  everywhere='goes on behind|go on behind|behind (it|step|the (last|end|first))'
  everywhere="$everywhere|stands? (in|there|beside)|(is|are) none of|by way of|spoil(t|ed|s)|mended"
  everywhere="$everywhere|taken for whole|the dearest"
  everywhere="$everywhere|may be said again|is asked for|wants to be|[Tt]he house|goes on with"
  everywhere="$everywhere|in whatever way"
  # Stricter patterns, for everything except data and results.
  edited='\bbehind\b|\bstands?\b($|[^-])|\bgo(es)? on\b|that is none\b|\bfor ever\b|passed over'
  edited="$edited|\b(is|are) told\b|(is|are) said\b|say --|\bnobody\b|\bhas to be the\b|, in all\b"
  edited="$edited|([^e]|[^r]e) (is|are) no (number|model|matrix|product|size|word)\b"
  edited="$edited|([^e]|[^r]e) (is|are) no (name|option|case)\b"
  edited="$edited|only .* can be computed here|taken for (text|good|one)|whole or not"
  edited="$edited|\bwhat (is|was) said\b|do it all the same|, whatever\b"
  edited="$edited|of (its|their) own\b|\b[Ww]hatever\b|again and again"
  edited="$edited|by the bit|\basks? for\b|in parts of the"
  hits=$({ git grep -nE "$everywhere" -- '*.c' '*.h' '*.sh' '*.py' '*.md' Makefile ':!tools/lint.sh'
    git grep -nE "$edited" -- core model optim data run tools train.c 'tests/*.[ch]' 'tests/*.sh' \
      '*.md' Makefile .ci ':!tools/lint.*'
  } | grep -vFf tools/lint.allow | sort -u)
  [ -z "$hits" ] && return
  printf '%s\n' "$hits"
  echo "language: $(printf '%s\n' "$hits" | wc -l) lines to rewrite, or to list in tools/lint.allow"
  status=1
}

if [ "${1:-}" != language ]; then
  scripts
  sh tests/test_structure.sh || status=1
fi
language
exit $status
