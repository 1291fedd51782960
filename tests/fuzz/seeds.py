#!/usr/bin/env python3
"""Rewrites the seeds of the fuzz targets, tests/fuzz/corpus/TARGET/seed-*. Inputs that once failed
are in the same folder under other names. Needs nothing but Python."""
import gzip
import json
import os
import pickle
import struct
import zlib

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus')
C, V, T = 2, 3, 2
SHAPES = {'wte.weight': [V, C], 'wpe.weight': [T, C], 'ln_f.weight': [C], 'ln_f.bias': [C]}
for kind, shape in {'ln_1.weight': [C], 'ln_1.bias': [C], 'attn.c_attn.weight': [C, 3 * C],
                    'attn.c_attn.bias': [3 * C], 'attn.c_proj.weight': [C, C],
                    'attn.c_proj.bias': [C], 'ln_2.weight': [C], 'ln_2.bias': [C],
                    'mlp.c_fc.weight': [C, 4 * C], 'mlp.c_fc.bias': [4 * C],
                    'mlp.c_proj.weight': [4 * C, C], 'mlp.c_proj.bias': [C]}.items():
    SHAPES[f'h.0.{kind}'] = shape


def save(target, name, data):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f'seed-{name}'), 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def numel(shape):
    n = 1
    for x in shape:
        n *= x
    return n


def safetensors(shapes, dtype='F32', size=4, metadata=None):
    header, at = {}, 0
    if metadata is not None:
        header['__metadata__'] = metadata
    for name in sorted(shapes):
        n = numel(shapes[name]) * size
        header[name] = {'dtype': dtype, 'shape': shapes[name], 'data_offsets': [at, at + n]}
        at += n
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + bytes(i % 251 for i in range(at))


def with_sums(shapes):
    """As checkpoints are written: CRC-32 of each tensor, and of the header with zeros in place."""
    plain = safetensors(shapes)
    length = struct.unpack('<Q', plain[:8])[0]
    entries = json.loads(plain[8:8 + length])
    data = plain[8 + length:]
    metadata = {'crc32': '00000000'}
    for name, entry in entries.items():
        begin, end = entry['data_offsets']
        metadata[f'crc32/{name}'] = f'{zlib.crc32(data[begin:end]):08x}'
    text = json.dumps({'__metadata__': metadata, **entries}, separators=(',', ':'))
    text += ' ' * (-len(text) % 8)
    text = text.replace('00000000', f'{zlib.crc32(text.encode()):08x}', 1)
    return struct.pack('<Q', len(text)) + text.encode() + data


def llmc(version):
    padded = 128
    numbers = padded * C + T * C + 12 * C * C + 13 * C + 2 * C
    header = struct.pack('<8i', 20240326, version, T, V, 1, 1, C, padded)
    return header + bytes(1024 - len(header)) + bytes(numbers * (4 if version == 3 else 2))


def npy(dtype, data, version):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': (8,), }}".ljust(115) + '\n'
    length = struct.pack('<H' if version == 1 else '<I', len(text))
    return b'\x93NUMPY' + bytes([version, 0]) + length + text.encode() + data


def main():
    save('safetensors', 'gpt2', safetensors(SHAPES))
    save('safetensors', 'bf16', safetensors({'transformer.' + k: v for k, v in SHAPES.items()},
                                            'BF16', 2, {'format': 'pt'}))
    save('safetensors', 'f16', safetensors(SHAPES, 'F16', 2))
    save('safetensors', 'sums', with_sums({'a': [2, 2], 'b.m': [3]}))
    save('safetensors', 'empty', safetensors({}))
    index = {'metadata': {'total_size': 1}, 'weight_map': {name: 'part' for name in SHAPES}}
    save('index', 'gpt2', json.dumps(index).encode() + b'\0' + safetensors(SHAPES))
    index['weight_map'] = {'module.' + name: 'part' for name in SHAPES}
    save('index', 'f64', json.dumps(index).encode() + b'\0' +
         safetensors({'module.' + k: v for k, v in SHAPES.items()}, 'F64', 8))
    save('safetensors', 'f64', safetensors(SHAPES, 'F64', 8))
    config = {'model_type': 'gpt2', 'n_layer': 1, 'n_head': 1, 'n_embd': 2, 'n_positions': 2,
              'vocab_size': 3, 'activation_function': 'gelu_new', 'layer_norm_epsilon': 1e-5}
    save('config', 'gpt2', json.dumps(config, indent=2))
    save('json', 'config', json.dumps(config))
    save('json', 'nested', '[[],{"a":[{"b":null,"c":[true,false,-1.5e-3]}]},"\\u00e9\\ud83d\\ude00"]')
    save('llmc', 'v3', llmc(3))
    save('llmc', 'v5', llmc(5))
    ids = struct.pack('<6H', 50256, 1, 2, 3, 4, 50256)
    save('shard', 'llmc', struct.pack('<3i', 20240520, 1, 6) + bytes(1012) + ids)
    save('shard', 'raw', ids)
    numbers = (50256, 1, 2, 3, 4, 50256, 7, 8)
    save('shard', 'llmc32', struct.pack('<3i', 20240801, 7, 8) + bytes(1012) +
         struct.pack('<8I', *numbers))
    save('shard', 'raw32', struct.pack('<8I', *numbers))
    save('shard', 'raw64', struct.pack('<8q', *numbers))
    save('shard', 'npy2', npy('<u2', struct.pack('<8H', *numbers), 1))
    save('shard', 'npy8', npy('<i8', struct.pack('<8q', *numbers), 2))
    save('gzip', 'text', gzip.compress(b"It is a truth universally acknowledged, isn't it?\n" * 3,
                                       mtime=0))
    save('gzip', 'two', gzip.compress(b'one', mtime=0) + gzip.compress(b'two', mtime=0))
    save('options', 'all', '# a run\nsteps = 1e3\nrate = 0.02 # tuned\n--name=runs\norder sequential\n')
    save('options', 'nested', 'steps = 64k\n@options.txt\n')
    itos = dict(enumerate('\nab\u00e9'))
    meta = {'vocab_size': 4, 'itos': itos, 'stoi': {c: i for i, c in itos.items()}}
    save('meta', 'protocol2', pickle.dumps(meta, 2))
    save('meta', 'protocol4', pickle.dumps(meta, 4))
    columns = ('step,tokens,seconds,train_loss,val_loss,lr,grad_norm,forward_ms,backward_ms,'
               'optimizer_ms,tokens_per_s\n')
    save('log', 'rows', columns + '0,0,,,5.5,,,,,,\n7,448,0.5,5.25,,0.001,1.5,1,2,3,4000\n')
    save('log', 'diverged', columns + '1,64,,nan,,,,,,,\n')


if __name__ == '__main__':
    main()
