#!/usr/bin/env python3
"""The model options in float64 PyTorch: no biases, exact GELU, an untied head, dropout.

`python3 tests/options_fixture.py` rewrites tests/fixtures/options.txt.gz: for each variant the loss
of a batch and, for each gradient, its norm and its products with three fixed directions. The masks
of dropout are computed here from their definition in core/random.h and model/dropout.c.
"""
import math

import numpy as np
import torch

from reference import Philox, numbers, value, write
from torch_fixture import (B, C, HEADS, LAYERS, T, V, batch, cross_entropy, gelu, initial,
                           layer_norm, shapes)

SEED, STEP, FIRST, RATE = 0x123456789, 7, 5, 0.3
PLACES = 1 + 3 * LAYERS
VARIANTS = {
    'plain': {}, 'bias': {'bias': False}, 'gelu': {'exact': True}, 'tie': {'tied': False},
    'dropout': {'rate': RATE}, 'all': {'bias': False, 'exact': True, 'tied': False, 'rate': RATE},
}


def masks(n, place, rate):
    """(B, n): the masks of all rows at a place; every number of 32 bits decides on two."""
    drop = round(65536 * rate)
    rows = []
    for b in range(B):
        stream = Philox((FIRST + b) * PLACES + place, STEP, SEED, 6)
        x = np.array([stream.word() for _ in range((n + 1) // 2)])
        half = np.stack([x & 0xFFFF, x >> 16], 1).reshape(-1)[:n]
        rows.append(np.where(half < drop, 0.0, 65536 / (65536 - drop)))
    return torch.tensor(np.stack(rows))


def forward(p, tokens, bias=True, exact=False, tied=True, rate=0):
    def norm(x, name):
        return layer_norm(x, p[f'{name}.weight'], p[f'{name}.bias'] if bias else 0)

    def linear(x, name):
        return x @ p[f'{name}.weight'].T + (p[f'{name}.bias'] if bias else 0)

    def drop(x, place):
        return x * masks(T * C, place, rate).view(B, T, C) if rate else x

    def attention(x, i):
        q, k, v = (y.view(B, T, HEADS, C // HEADS).transpose(1, 2)
                   for y in linear(x, f'h.{i}.attn.c_attn').split(C, dim=-1))
        score = q @ k.transpose(-1, -2) / math.sqrt(C // HEADS)
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        weights = score.masked_fill(future, -math.inf).softmax(-1)
        if rate:  # rows of 8 numbers, so T = 8 needs no padding
            weights = weights * masks(HEADS * T * T, 1 + 3 * i, rate).view(B, HEADS, T, T)
        y = (weights @ v).transpose(1, 2).reshape(B, T, C)
        return linear(y, f'h.{i}.attn.c_proj')

    def mlp(x, i):
        h = linear(x, f'h.{i}.mlp.c_fc')
        h = h * 0.5 * (1 + torch.erf(h / math.sqrt(2))) if exact else gelu(h)
        return linear(h, f'h.{i}.mlp.c_proj')

    x = drop(p['wte.weight'][tokens] + p['wpe.weight'], 0)
    for i in range(LAYERS):
        x = x + drop(attention(norm(x, f'h.{i}.ln_1'), i), 2 + 3 * i)
        x = x + drop(mlp(norm(x, f'h.{i}.ln_2'), i), 3 + 3 * i)
    return norm(x, 'ln_f') @ p['wte.weight' if tied else 'lm_head.weight'].T


def main():
    lines = []
    inputs, targets = batch(STEP)
    for variant, options in VARIANTS.items():
        every = [*shapes(), ('lm_head.weight', (V, C))]
        p = {name: initial(i, name, shape) for i, (name, shape) in enumerate(every)
             if (options.get('bias', True) or not name.endswith('.bias'))
             and (name != 'lm_head.weight' or not options.get('tied', True))}
        loss = cross_entropy(forward(p, inputs, **options), targets)
        loss.backward()
        lines += [f'tensor {variant}/loss 1 1', numbers(loss.detach().view(1, 1).numpy())]
        for name, w in p.items():
            g = w.grad.reshape(-1).numpy()
            row = [np.linalg.norm(g)] + [g @ value(3000 + k, g.size) for k in range(3)]
            lines += [f'tensor {variant}/{name} 1 4', numbers(np.array([row]))]
        print(variant, loss.item())
    write('fixtures/options.txt.gz', lines)


if __name__ == '__main__':
    main()
