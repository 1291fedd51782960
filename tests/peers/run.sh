#!/bin/sh
# Runs check.py with a Python that has torch and transformers: $PYTHON when it is set, else one in a
# virtual environment, made at the first call in $PEERS_VENV. Without them the test is skipped.
# PEERS_PACKAGES may name other versions; the torch without CUDA is enough.
set -u
cd "$(dirname "$0")/../.." || exit 1
venv=${PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/polar-peers}
python=${PYTHON:-$venv/bin/python}
packages=${PEERS_PACKAGES:-numpy torch==2.13.0 transformers==5.24.0 accelerate gguf tensorboard\
  xllamacpp}
modules='import numpy, torch, transformers'

skip() {
  echo "test-peers: skipped: $1"
  exit 0
}

if [ -z "${PYTHON:-}" ] && ! "$python" -c "$modules" 2>/dev/null; then
  echo "test-peers: installing $packages in $venv (PEERS_VENV or PYTHON change this)"
  python3 -m venv "$venv" || skip "python3 cannot make the virtual environment $venv"
  # shellcheck disable=SC2086
  "$python" -m pip install --progress-bar off $packages ||
    skip "pip cannot install $packages in $venv"
fi
"$python" -c "$modules" || skip "$python has no numpy, torch and transformers"
exec "$python" tests/peers/check.py
