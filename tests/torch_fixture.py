#!/usr/bin/env python3
"""A plain GPT-2 in float64 PyTorch: losses, logits, gradients and ten AdamW steps.

`python3 tests/torch_fixture.py` rewrites tests/fixtures/gpt2.txt.gz: lines
`tensor NAME rows cols`, each followed by one line of numbers, row by row.
"""
import math

import numpy as np
import torch

from reference import float32, numbers, splitmix64, value, write

LAYERS, HEADS, C, V, T, B, STEPS = 2, 3, 24, 40, 8, 3, 10


def shapes():
    """Names and shapes of the parameters, in order; matrices are (out, in)."""
    yield 'wte.weight', (V, C)
    yield 'wpe.weight', (T, C)
    for i in range(LAYERS):
        yield f'h.{i}.ln_1.weight', (C,)
        yield f'h.{i}.ln_1.bias', (C,)
        yield f'h.{i}.attn.c_attn.weight', (3 * C, C)
        yield f'h.{i}.attn.c_attn.bias', (3 * C,)
        yield f'h.{i}.attn.c_proj.weight', (C, C)
        yield f'h.{i}.attn.c_proj.bias', (C,)
        yield f'h.{i}.ln_2.weight', (C,)
        yield f'h.{i}.ln_2.bias', (C,)
        yield f'h.{i}.mlp.c_fc.weight', (4 * C, C)
        yield f'h.{i}.mlp.c_fc.bias', (4 * C,)
        yield f'h.{i}.mlp.c_proj.weight', (C, 4 * C)
        yield f'h.{i}.mlp.c_proj.bias', (C,)
    yield 'ln_f.weight', (C,)
    yield 'ln_f.bias', (C,)


def initial(p, name, shape):
    """Deterministic weights; LayerNorm gains are centred on one."""
    w = float32(0.15 * value(1000 + p, math.prod(shape)))
    if 'ln_' in name and name.endswith('weight'):
        w = float32(w + 1.0)
    return torch.tensor(w.reshape(shape), requires_grad=True)


def batch(step):
    """Inputs and targets: B rows of T+1 tokens, shifted by one."""
    j = np.arange(B * (T + 1), dtype=np.uint64) + np.uint64((2000 + step) << 32)
    tokens = torch.tensor((splitmix64(j) % np.uint64(V)).astype(np.int64)).view(B, T + 1)
    return tokens[:, :-1], tokens[:, 1:]


def layer_norm(x, w, b):
    x = x - x.mean(-1, keepdim=True)
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5) * w + b


def gelu(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def attention(x, p, name):
    qkv = x @ p[f'{name}.c_attn.weight'].T + p[f'{name}.c_attn.bias']
    q, k, v = (y.view(B, T, HEADS, C // HEADS).transpose(1, 2) for y in qkv.split(C, dim=-1))
    score = q @ k.transpose(-1, -2) / math.sqrt(C // HEADS)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    y = score.masked_fill(future, -math.inf).softmax(-1) @ v
    y = y.transpose(1, 2).reshape(B, T, C)
    return y @ p[f'{name}.c_proj.weight'].T + p[f'{name}.c_proj.bias']


def mlp(x, p, name):
    h = gelu(x @ p[f'{name}.c_fc.weight'].T + p[f'{name}.c_fc.bias'])
    return h @ p[f'{name}.c_proj.weight'].T + p[f'{name}.c_proj.bias']


def forward(p, tokens):
    def norm(x, name):
        return layer_norm(x, p[f'{name}.weight'], p[f'{name}.bias'])

    x = p['wte.weight'][tokens] + p['wpe.weight']
    for i in range(LAYERS):
        x = x + attention(norm(x, f'h.{i}.ln_1'), p, f'h.{i}.attn')
        x = x + mlp(norm(x, f'h.{i}.ln_2'), p, f'h.{i}.mlp')
    return norm(x, 'ln_f') @ p['wte.weight'].T


def cross_entropy(logits, targets):
    return -logits.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).mean()


def tensor(name, x):
    x = x.detach().reshape(-1, x.shape[-1]).numpy()
    return [f'tensor {name} {x.shape[0]} {x.shape[1]}', numbers(x)]


def main():
    torch.set_num_threads(1)
    p = {name: initial(i, name, shape) for i, (name, shape) in enumerate(shapes())}
    matrices = [w for w in p.values() if w.dim() == 2]
    vectors = [w for w in p.values() if w.dim() == 1]
    optimizer = torch.optim.AdamW([{'params': matrices, 'weight_decay': 0.1},
                                   {'params': vectors, 'weight_decay': 0.0}],
                                  lr=1e-2, betas=(0.9, 0.95), eps=1e-8)
    losses, first = [], []
    for step in range(STEPS):
        inputs, targets = batch(step)
        logits = forward(p, inputs)
        loss = cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            first = tensor('logits', logits)
            for name, w in p.items():
                first += tensor(f'grad/{name}', w.grad)
        optimizer.step()
        losses.append(loss.detach())
    lines = tensor('loss', torch.stack(losses)) + first
    for name, w in p.items():
        lines += tensor(f'adamw/{name}', w)
    write('fixtures/gpt2.txt.gz', lines)
    print('loss', ' '.join(f'{x:.6f}' for x in losses))


if __name__ == '__main__':
    main()
