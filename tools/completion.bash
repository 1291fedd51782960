# Completion in bash: `source tools/completion.bash`. `make install` installs it for the commands
# polar-train, polar-plot ... The words are read from the programs' --help when they are needed.

# _polar_choices OPTION: the choices of an option in the help on standard input.
_polar_choices() {
  awk -v name="--$1" '
    /^  --/ { inside = $1 == name }
    inside && (/^  --/ || /^        /) { text = text " " $0 }
    END {
      if (!match(text, /\[[^];]*/)) exit
      list = substr(text, RSTART + 1, RLENGTH - 1)
      gsub(/ +/, " ", list)
      n = split(list, word, ", *")
      for (i = 1; i <= n; i++) if (word[i] ~ / /) exit
      for (i = 1; i <= n; i++) print word[i]
    }'
}

# _polar_methods PROGRAM: the optimizers in the list of ./train.
_polar_methods() {
  "$1" --list 2>/dev/null | sed -n '2,/^$/s/^  \([a-z0-9][a-z0-9-]*\) .*/\1/p'
}

# The help of a program, and of the optimizer on the command line.
_polar_help() {
  local i
  "$1" --help 2>/dev/null
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == --optimizer ]] || continue
    [[ ${COMP_WORDS[i + 1]} == = ]] && i=$((i + 1))
    "$1" --help "${COMP_WORDS[i + 1]}" 2>/dev/null
  done
}

_polar() {
  local program=$1 word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
  [[ $word == = ]] && word=
  [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]} # of --name=value
  if [[ $before == --optimizer || $before == --help ]]; then words=$(_polar_methods "$program")
  elif [[ $before == --* ]]; then words=$(_polar_help "$program" | _polar_choices "${before#--}")
  fi
  if [[ $word == -* ]]; then
    words="--help $(_polar_help "$program" | sed -n 's/^  \(--[a-z0-9-]*\) .*/\1/p')"
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

_polar_commands() {
  local here=${BASH_SOURCE[0]%/*} source
  complete -o default -F _polar ./train
  for source in "$here"/*.c; do
    [[ -e $source ]] && source=${source##*/} &&
      complete -o default -F _polar "tools/${source%.c}" "./tools/${source%.c}"
  done
  for source in $(compgen -c polar-); do complete -o default -F _polar "$source"; done
}
_polar_commands
