#!/usr/bin/env python3
"""Weights in the formats of other programs, written from the descriptions of the formats alone.

`python3 tests/format_fixture.py` rewrites tests/fixtures/formats/: the model of torch_fixture.py
as safetensors in Hugging Face's names and layouts (with and without the prefix, masks and head),
as llm.c checkpoints, and a few tokens as an llm.c shard and as nanoGPT's raw ids. Needs numpy.
"""
import json
import os
import struct

import numpy as np

from reference import float32, value

LAYERS, HEADS, C, V, T, PADDED = 2, 3, 24, 40, 8, 128
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fixtures', 'formats')
BLOCK = [('ln_1.weight', (C,)), ('ln_1.bias', (C,)),
         ('attn.c_attn.weight', (3 * C, C)), ('attn.c_attn.bias', (3 * C,)),
         ('attn.c_proj.weight', (C, C)), ('attn.c_proj.bias', (C,)),
         ('ln_2.weight', (C,)), ('ln_2.bias', (C,)),
         ('mlp.c_fc.weight', (4 * C, C)), ('mlp.c_fc.bias', (4 * C,)),
         ('mlp.c_proj.weight', (C, 4 * C)), ('mlp.c_proj.bias', (C,))]


def weights():
    """The parameters in order, matrices as (out, in)."""
    shapes = [('wte.weight', (V, C)), ('wpe.weight', (T, C))]
    for i in range(LAYERS):
        shapes += [(f'h.{i}.{name}', shape) for name, shape in BLOCK]
    shapes += [('ln_f.weight', (C,)), ('ln_f.bias', (C,))]
    result = {}
    for p, (name, shape) in enumerate(shapes):
        w = float32(0.15 * value(1000 + p, int(np.prod(shape))))
        if 'ln_' in name and name.endswith('weight'):
            w = float32(w + 1.0)
        result[name] = w.astype('<f4').reshape(shape)
    return result


def bfloat16(x):
    """The upper halves, rounded to nearest, ties to even."""
    bits = np.ascontiguousarray(x, '<f4').view('<u4').astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype('<u2')


def safetensors(name, tensors, dtype, metadata=None):
    """u64 N; N bytes of JSON, padded with spaces; the tensors side by side."""
    convert = {'F32': lambda x: x.astype('<f4'), 'F16': lambda x: x.astype('<f2'),
               'BF16': bfloat16}[dtype]
    header, data = {}, b''
    if metadata:
        header['__metadata__'] = metadata
    for key in sorted(tensors):
        stored = convert(np.ascontiguousarray(tensors[key])).tobytes()
        header[key] = {'dtype': dtype, 'shape': list(tensors[key].shape),
                       'data_offsets': [len(data), len(data) + len(stored)]}
        data += stored
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(os.path.join(FOLDER, name), 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + data)


def conv1d(w):
    """Hugging Face keeps the four matrices of a block as (in, out)."""
    return {name: x.T if name.startswith('h.') and x.ndim == 2 else x for name, x in w.items()}


def huggingface(w):
    stored = conv1d(w)
    safetensors('plain.bf16.safetensors', stored, 'BF16')
    safetensors('plain.f16.safetensors', stored, 'F16', {'format': 'pt'})
    full = {f'transformer.{name}': x for name, x in stored.items()}
    for i in range(LAYERS):
        mask = np.tril(np.ones((T, T), '<f4')).reshape(1, 1, T, T)
        full[f'transformer.h.{i}.attn.bias'] = mask
        full[f'transformer.h.{i}.attn.masked_bias'] = np.array(-1e4, '<f4')
    full['lm_head.weight'] = w['wte.weight']
    os.makedirs(os.path.join(FOLDER, 'huggingface'), exist_ok=True)
    safetensors('huggingface/model.safetensors', full, 'F32', {'format': 'pt'})
    config = {'activation_function': 'gelu_new', 'architectures': ['GPT2LMHeadModel'],
              'attn_pdrop': 0.1, 'bos_token_id': 39, 'layer_norm_epsilon': 1e-05,
              'model_type': 'gpt2', 'n_ctx': T, 'n_embd': C, 'n_head': HEADS,
              'n_layer': LAYERS, 'n_positions': T, 'vocab_size': V, 'summary_activation': None,
              'task_specific_params': {'text-generation': {'do_sample': True, 'max_length': 50}}}
    with open(os.path.join(FOLDER, 'huggingface', 'config.json'), 'w') as f:
        json.dump(config, f, indent=2)


def llmc(name, w, version):
    """256 int32, then each kind of tensor for all layers; V padded with zeros."""
    header = np.zeros(256, '<i4')
    header[:8] = 20240326, version, T, V, LAYERS, HEADS, C, PADDED
    padded = np.zeros((PADDED, C), '<f4')
    padded[:V] = w['wte.weight']
    arrays = [padded, w['wpe.weight']]
    for kind, _ in BLOCK:
        arrays += [w[f'h.{i}.{kind}'] for i in range(LAYERS)]
    arrays += [w['ln_f.weight'], w['ln_f.bias']]
    with open(os.path.join(FOLDER, name), 'wb') as f:
        f.write(header.tobytes())
        for x in arrays:
            f.write((x.astype('<f4') if version == 3 else bfloat16(x)).tobytes())


def shard():
    """(i * i) % 257 for i = 0..999."""
    ids = (np.arange(1000) ** 2 % 257).astype('<u2')
    header = np.zeros(256, '<i4')
    header[:3] = 20240520, 1, len(ids)
    with open(os.path.join(FOLDER, 'squares_000000.bin'), 'wb') as f:
        f.write(header.tobytes() + ids.tobytes())
    with open(os.path.join(FOLDER, 'squares.bin'), 'wb') as f:
        f.write(ids.tobytes())


def main():
    os.makedirs(FOLDER, exist_ok=True)
    w = weights()
    huggingface(w)
    llmc('llmc.v3.bin', w, 3)
    llmc('llmc.v5.bin', w, 5)
    shard()


if __name__ == '__main__':
    main()
