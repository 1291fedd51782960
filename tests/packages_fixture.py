#!/usr/bin/env python3
"""Ten steps of other people's optimizers, taken with the packages as they are installed.

`python3 tests/packages_fixture.py` rewrites tests/fixtures/packages.txt.gz. It needs torch, numpy,
heavyball, lion-pytorch, galore-torch and pytorch_optimizer. (schedulefree is not used: no method
here averages its weights as it does.)

The file holds a line `package NAME VERSION` for each package and, for each case and matrix,
`tensor CASE/MATRIX rows cols` with the change of the weights on the next line. test_packages.c has
the same cases, weights and gradients. Everything is computed in double precision, from weights and
gradients that are float32 numbers.
"""
import functools
import importlib
import sys
import types
from importlib.metadata import version

import heavyball
import lion_pytorch
import numpy as np
import pytorch_optimizer
import torch
from pytorch_optimizer.optimizer.scion import LMONorm
from pytorch_optimizer.optimizer.utils import matrix

from reference import float32, value, write

PACKAGES = ['torch', 'heavyball', 'lion-pytorch', 'galore-torch', 'pytorch_optimizer']
# No side is longer than twice the other: two gradients fill SOAP's L and R, whose null space would
# have an arbitrary basis.
SHAPES = [(24, 15), (17, 26), (16, 16), (15, 13)]
STEPS = 10


def weight(i):
    m, n = SHAPES[i]
    return float32(0.1 * value(3000 + i, m * n)).reshape(m, n)


def gradient(i, t):
    """Noise that changes with the step, and a part of rank one that stays."""
    m, n = SHAPES[i]
    noise = value(4000 + 20 * t + i, m * n).reshape(m, n)
    return float32(noise + 0.5 * value(3100 + i, m)[:, None] * value(3200 + i, n))


@functools.cache
def galore_adamw():
    """galore_torch.adamw; the package itself would import its 8-bit forms, which need a GPU's."""
    package = types.ModuleType('galore_torch')
    package.__path__ = importlib.util.find_spec('galore_torch').submodule_search_locations
    sys.modules['galore_torch'] = package
    return importlib.import_module('galore_torch.adamw').AdamW


def keep_double():
    """Newton-Schulz in the precision of its input.

    torch.optim.Muon and pytorch_optimizer cast to bfloat16 and have no option against it. Rounding
    to 8 bits would hide what is compared.
    """
    torch.Tensor.bfloat16 = torch.Tensor.clone
    function = matrix.zero_power_via_newton_schulz_5
    function.__defaults__ = tuple(torch.float64 if x is torch.bfloat16 else x
                                  for x in function.__defaults__)
    heavyball.utils.compile_mode = None


def muon_group(w, **options):
    return [dict(params=w, use_muon=True, **options)]


def galore(w, gap):
    return [dict(params=w, rank=6, update_proj_gap=gap, scale=0.25, proj_type='std',
                 projection_type='std')]


ADAM = dict(lr=0.02, weight_decay=0.1, betas=(0.9, 0.95), eps=1e-8)
MUON = dict(lr=0.02, weight_decay=0.1)
GALORE = dict(lr=0.1, weight_decay=0.1, eps=1e-6, betas=(0.9, 0.999))
SOAP = dict(lr=0.02, weight_decay=0.1, betas=(0.95, 0.95), eps=1e-8)
DOUBLE = dict(storage_dtype='float64')
SCION = dict(lr=0.01, momentum=0.1, norm_kwargs={})

CASES = {
    'torch.AdamW': lambda w: torch.optim.AdamW(w, **ADAM),
    'torch.SGD': lambda w: torch.optim.SGD(w, lr=0.02, momentum=0.9),
    'torch.SGD-nesterov': lambda w: torch.optim.SGD(w, lr=0.02, momentum=0.9, nesterov=True),
    'torch.Muon': lambda w: torch.optim.Muon(w, **MUON),
    'torch.Muon-rms': lambda w: torch.optim.Muon(w, adjust_lr_fn='match_rms_adamw', nesterov=False,
                                                 **MUON),
    'heavyball.AdamW': lambda w: heavyball.AdamW(w, **ADAM, **DOUBLE),
    'heavyball.Muon': lambda w: heavyball.Muon(w, betas=(0.95, 0.99), heavyball_momentum=True,
                                               **MUON, **DOUBLE),
    'heavyball.Muon-ema': lambda w: heavyball.Muon(w, betas=(0.95, 0.99), **MUON, **DOUBLE),
    'heavyball.SOAP': lambda w: heavyball.SOAP(w, precondition_frequency=1,
                                               **{**SOAP, 'weight_decay': 0}, **DOUBLE),
    'heavyball.SOAP-decay': lambda w: heavyball.SOAP(w, precondition_frequency=1, **SOAP,
                                                     **DOUBLE),
    'lion_pytorch.Lion': lambda w: lion_pytorch.Lion(w, lr=0.02, weight_decay=1),
    'galore_torch.AdamW': lambda w: galore_adamw()(
        galore(w, 200), no_deprecation_warning=True, **GALORE),
    # New bases, whose signs are arbitrary: only without momentum do they not matter.
    'galore_torch.AdamW-bases': lambda w: galore_adamw()(
        galore(w, 3), no_deprecation_warning=True, **{**GALORE, 'betas': (0, 0.999)}),
    'pytorch_optimizer.Lion': lambda w: pytorch_optimizer.Lion(w, lr=0.02, weight_decay=1),
    'pytorch_optimizer.GaLore': lambda w: pytorch_optimizer.GaLore(galore(w, 200), **GALORE),
    'pytorch_optimizer.Muon': lambda w: pytorch_optimizer.Muon(muon_group(w), **MUON),
    'pytorch_optimizer.Muon-quintic': lambda w: pytorch_optimizer.Muon(
        muon_group(w), ns_coeffs='quintic', use_adjusted_lr=True, **MUON),
    'pytorch_optimizer.NorMuon': lambda w: pytorch_optimizer.NorMuon(
        muon_group(w), nesterov=True, **MUON),
    'pytorch_optimizer.AdaGO': lambda w: pytorch_optimizer.AdaGO(muon_group(w), lr=0.05, v=1e-3),
    'pytorch_optimizer.AdaGO-floor': lambda w: pytorch_optimizer.AdaGO(
        muon_group(w), lr=1e-6, eps=0.02, weight_decay=0.1),
    'pytorch_optimizer.SCION': lambda w: pytorch_optimizer.SCION(
        w, norm_type=LMONorm.SPECTRAL, scale=5, constraint=True, **SCION),
    'pytorch_optimizer.SCION-free': lambda w: pytorch_optimizer.SCION(
        w, norm_type=LMONorm.SPECTRAL, scale=5, weight_decay=0.5, **SCION),
    'pytorch_optimizer.SCION-sign': lambda w: pytorch_optimizer.SCION(
        w, norm_type=LMONorm.SIGN, scale=300, constraint=True, **SCION),
    'pytorch_optimizer.SOAP': lambda w: pytorch_optimizer.SOAP(w, precondition_frequency=3, **SOAP),
}


def tensor(name, x):
    return [f'tensor {name} {x.shape[0]} {x.shape[1]}', ' '.join(f'{v:.7g}' for v in x.flat)]


def run(name, make):
    """The lines of one case."""
    lines = []
    w = [torch.nn.Parameter(torch.tensor(weight(i))) for i in range(len(SHAPES))]
    optimizer = make(w)
    for t in range(1, STEPS + 1):
        for i, p in enumerate(w):
            p.grad = torch.tensor(gradient(i, t))
        optimizer.step()
        optimizer.zero_grad()
        if t == 1 and 'SOAP' in name:
            lines += bases(name, optimizer, w)
    for i, p in enumerate(w):
        assert p.dtype == torch.float64 and torch.isfinite(p).all()
        lines += tensor(f'{name}/{i}', p.detach().numpy() - weight(i))
    return lines


def bases(name, optimizer, w):
    """SOAP's bases after the first gradient, whose null space may have any basis."""
    lines = []
    for i, p in enumerate(w):
        state = optimizer.state[p]
        own = state.get('Q') or next(q for key, q in state[0].items() if '_soap_Q' in key)
        for letter, q in zip('pq', own):
            lines += tensor(f'{name}/{i}.{letter}', q.squeeze(0).numpy())
    return lines


def main():
    torch.set_num_threads(1)
    keep_double()
    lines = [f'package {name} {version(name)}' for name in PACKAGES]
    for name, make in CASES.items():
        print(name, flush=True)
        lines += run(name, make)
    write('fixtures/packages.txt.gz', lines)


if __name__ == '__main__':
    main()
