#!/bin/sh
# Scripts, headers and language; `make lint` runs the analyzers first. Exit code 1 with a finding.
# lint.sh language: that check alone.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0

scripts() {
  if command -v shellcheck >/dev/null; then
    git ls-files '*.sh' .ci/run | xargs shellcheck || status=1
  else
    echo 'skipped: shellcheck is not installed'
  fi
}

# Words of the table in CONTRIBUTING's or the design's style rules that are wrong in most places
# where they are found. A line that is right is listed in tools/lint.allow as FILE:TEXT.
language() {
  patterns='goes on behind|go on behind|behind (it|step|the (last|end|first))|stands? (in|there|beside)'
  patterns="$patterns|(is|are) none of|by way of|spoil(t|ed|s)|mended|taken for whole|the dearest"
  patterns="$patterns|may be said again|is asked for|wants to be|[Tt]he house|goes on with|in whatever way"
  hits=$(git grep -nE "$patterns" -- '*.c' '*.h' '*.sh' '*.py' '*.md' Makefile ':!tools/lint.sh' |
    grep -vFf tools/lint.allow)
  [ -z "$hits" ] && return
  printf '%s\n' "$hits"
  echo "language: $(printf '%s\n' "$hits" | wc -l) lines to say plainly, or to list in tools/lint.allow"
  status=1
}

if [ "${1:-}" != language ]; then
  scripts
  sh tests/test_structure.sh || status=1
fi
language
exit $status
