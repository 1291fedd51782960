# Functions that the test scripts share. Use: `. tests/shell.sh` in the project's root, where the
# programs are built; the last line is `finish NAME`.
# shellcheck shell=sh disable=SC2034  # the variables are for the scripts
set -u
root=$(pwd)
train=$root/train
tools=$root/tools
work=$(mktemp -d) || exit 1
child=
children= # processes to end when the script does
trap 'for child in $children; do kill -9 "$child" 2>/dev/null; done; rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
unset OPENBLAS_CORETYPE # a slow core set by the user is a line on stderr
passed=0
failed=0
code=0

ok() {
  passed=$((passed + 1))
  echo "ok: $1"
}

bad() {
  failed=$((failed + 1))
  echo "FAILED: $1"
}

# check TEXT COMMAND...: the command must succeed.
check() {
  text=$1
  shift
  if "$@"; then ok "$text"; else bad "$text: $*; $(output)"; fi
}

# run COMMAND...: stdout and stderr go to files in $work, the exit code to $code.
run() {
  "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
  code=$?
}

# The output of the last `run`, for messages.
output() {
  [ -e "$work/stdout" ] || return
  echo "exit code $code, stdout: $(head -c 300 "$work/stdout") stderr: $(head -c 600 "$work/stderr")"
}

prints() { grep -qF -e "$1" "$work/stdout"; }
says() { grep -qF -e "$1" "$work/stderr"; }

# answers CODE WORDS COMMAND...: the command ends with the code and prints the words.
answers() {
  want=$1
  words=$2
  shift 2
  run "$@"
  if [ "$code" -eq "$want" ] && { prints "$words" || says "$words"; }; then ok "$words"
  else bad "$* must end with $want and print \"$words\": $(output)"; fi
}

# write_tiny FILE STEPS: options of a tiny model, which the command line may override.
write_tiny() {
  cat >"$1" <<END_OF_TINY
layers = 1
heads = 2
channels = 16
context = 16
vocab = 257
batch = 2
steps = $2
val-tokens = 64
val-every = 2
warmup = 0
threads = 1
END_OF_TINY
}

finish() {
  echo "$1: $passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
