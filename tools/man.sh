#!/bin/sh
# man.sh PROGRAM COMMAND: prints a manual page of the command, made from the program's --help. That
# of ./train has the options of every optimizer too.
set -u
[ $# -eq 2 ] || { echo 'man.sh: usage: sh tools/man.sh PROGRAM COMMAND' >&2; exit 2; }
program=$1
command=$2
methods=$(mktemp) || exit 1
trap 'rm -f "$methods"' EXIT

# Help as a page: titles of groups become headings, options entries, indented lines examples.
page() {
  awk '
    function plain(text) {
      gsub(/\\/, "\\e", text)
      gsub(/-/, "\\-", text)
      gsub(/"/, "\\(dq", text)
      if (text ~ /^[.'"'"']/) text = "\\&" text
      return text
    }
    function literal(on) {
      if (on && !verbatim) print ".PP\n.nf"
      if (!on && verbatim) print ".fi\n.PP"
      verbatim = on
    }
    { line[NR] = $0 }
    END {
      for (i = 1; i <= NR; i++) {
        text = line[i]
        if (text ~ /^  --/) {
          literal(0)
          split(text, half, /   +/)
          sub(/^ +/, "", half[1])
          option = substr(text, 3)
          at = match(option, /  +/)
          help = at ? substr(option, at + RLENGTH) : ""
          print ".TP\n.B " plain(at ? substr(option, 1, at - 1) : option)
          if (help != "") print plain(help)
        } else if (text ~ /^        / && !verbatim) {
          sub(/^ +/, "", text)
          print plain(text)
        } else if (text ~ /^ /) {
          literal(1)
          print plain(text)
        } else {
          literal(0)
          if (text == "") print ".PP"
          else if (line[i + 1] ~ /^  --/) print ".SS " plain(text)
          else print plain(text)
        }
      }
      literal(0)
    }'
}

# The names of the installed commands.
commands() {
  sed 's|\./train|polar-train|g; s|tools/\([a-z][a-z]*\)\([^a-z/.]\)|polar-\1\2|g'
}

help=$("$program" --help | commands) || exit 1
version=$("$program" --version 2>/dev/null | head -n 1)
printf '.TH %s 1 "" "%s" "polar.c"\n' "$(echo "$command" | tr '[:lower:]' '[:upper:]')" "$version"
printf '.SH NAME\n%s \\- %s\n' "$command" "$(printf '%s\n' "$help" | sed 's/\.$//; q')"
printf '.SH SYNOPSIS\n.B %s\n[\\fB\\-\\-\\fINAME VALUE\\fR | @\\fIFILE\\fR]...\n' "$command"
printf '.SH DESCRIPTION\n'
printf '%s\n' "$help" | page
"$program" --list 2>/dev/null | sed -n '2,/^$/s/^  \([a-z0-9][a-z0-9-]*\) .*/\1/p' >"$methods"
if [ -s "$methods" ]; then
  printf '.SH OPTIMIZERS\n'
  while read -r method; do
    printf '.SS %s\n' "$method"
    "$program" --help "$method" | sed '1s/^[^:]*: *//; s/^  \([A-Z(].*\)/\n\1/; /^options$/d' | page
  done <"$methods"
fi
