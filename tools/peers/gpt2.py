"""GPT-2 training steps in PyTorch, for bench.py: one line "SECONDS LOSS" for each.

  gpt2.py LAYERS HEADS CHANNELS VOCABULARY ROWS CONTEXT STEPS [bf16] [compile]

The same work as ./train --optimizer adamw: tied head, no dropout, random tokens. bf16: under
torch.autocast, as ./train --precision bf16; compile: the model through torch.compile.
"""
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, heads, channels, context):
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(channels)
        self.c_attn = nn.Linear(channels, 3 * channels)
        self.c_proj = nn.Linear(channels, channels)
        self.ln_2 = nn.LayerNorm(channels)
        self.c_fc = nn.Linear(channels, 4 * channels)
        self.c_out = nn.Linear(4 * channels, channels)
        mask = torch.full((context, context), float("-inf")).triu(1)
        self.register_buffer("mask", mask, persistent=False)

    def attention(self, x):  # (B, T, C)
        B, T, C = x.shape
        shape = (B, T, self.heads, C // self.heads)
        q, k, v = (p.view(shape).transpose(1, 2) for p in self.c_attn(x).split(C, dim=2))
        if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            q, k, v = (p.reshape(B * self.heads, T, -1) for p in (q, k, v))
            scores = torch.baddbmm(self.mask, q, k.transpose(1, 2), alpha=shape[3] ** -0.5)
            y = (F.softmax(scores, dim=-1) @ v).view(B, self.heads, T, -1)
        return self.c_proj(y.transpose(1, 2).reshape(B, T, C))

    def forward(self, x):
        x = x + self.attention(self.ln_1(x))
        return x + self.c_out(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class GPT2(nn.Module):
    def __init__(self, layers, heads, channels, vocabulary, context):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, channels)
        self.wpe = nn.Embedding(context, channels)
        self.blocks = nn.Sequential(*(Block(heads, channels, context) for _ in range(layers)))
        self.ln_f = nn.LayerNorm(channels)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens, targets):  # (B, T) both
        x = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        logits = F.linear(self.ln_f(self.blocks(x)), self.wte.weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def adamw(parameters, **settings):
    # Fused is one pass over memory, where a version has it for processors. foreach=True is slower
    # there than the default: it keeps a temporary of every weight.
    try:
        return torch.optim.AdamW(parameters, fused=True, **settings)
    except (TypeError, RuntimeError):
        return torch.optim.AdamW(parameters, **settings)


def main():
    layers, heads, channels, vocabulary, rows, context, steps = map(int, sys.argv[1:8])
    bf16, compiled = "bf16" in sys.argv[8:], "compile" in sys.argv[8:]
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count()))
    torch.manual_seed(1)
    model = GPT2(layers, heads, channels, vocabulary, context)
    optimizer = adamw(list(model.parameters()), lr=1e-4, weight_decay=0.1)
    loss_of = torch.compile(model) if compiled else model
    for _ in range(steps):
        tokens = torch.randint(vocabulary, (rows, context + 1))
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = loss_of(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        optimizer.step()
        print(time.perf_counter() - start, loss.item(), flush=True)


main()
