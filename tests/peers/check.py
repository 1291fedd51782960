#!/usr/bin/env python3
"""Models and tokenizers exchanged with transformers, in both directions.

`python3 tests/peers/check.py`, from the project's root, after `make test-peers` built the programs.
A line for each check, then a count; the exit code is 1 when one fails. Needs torch, transformers
and numpy; nothing is fetched.
"""
import csv
import gzip
import os
import subprocess
import sys
import tempfile

os.environ['HF_HUB_OFFLINE'] = '1'

import numpy as np
import torch
import transformers
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, GPT2Model, GPT2TokenizerFast

LAYERS, HEADS, C, T, B = 2, 2, 32, 24, 4
TOLERANCE = 1e-4
VECTORS = 'tests/fixtures/tokenizer_vectors.tsv.gz'

counts = {True: 0, False: 0}
work = None


def check(ok, text):
    ok = bool(ok)
    counts[ok] += 1
    print('ok:' if ok else 'FAILED:', text, flush=True)


def run(*command):
    """The output of a program; None, after its message, when it fails."""
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout
    check(False, ' '.join(str(x) for x in command) + ': ' + done.stderr.strip())
    return None


def tokens(vocab):
    """B rows of T ids and their targets, and a file of the B * T + 1 ids."""
    path = os.path.join(work, f'ids-{vocab}.bin')
    ids = np.random.default_rng(vocab).integers(0, vocab, B * T + 1).astype('<u2')
    ids.tofile(path)
    ids = torch.tensor(ids.astype(np.int64))
    return path, ids[:-1].view(B, T), ids[1:].view(B, T)


def train(out, vocab, *options):
    """A run of one step; its log's rows, or None."""
    ids = tokens(vocab)[0]
    if run('./train', '--layers', LAYERS, '--heads', HEADS, '--channels', C, '--context', T,
           '--vocab', vocab, '--batch', B, '--steps', 1, '--warmup', 0, '--threads', 1,
           '--data', ids, '--val', ids, '--val-tokens', B * T, '--order', 'sequential',
           '--out', out, *options) is None:
        return None
    with open(os.path.join(out, 'log.csv'), newline='') as f:
        return list(csv.DictReader(f))


def ours_logits(folder, vocab):
    out = run('build/peers/logits', folder, tokens(vocab)[0], T)
    return None if out is None else torch.tensor([float(x) for x in out.split()]).view(B, vocab)


def load(folder):
    """Their model in float32, and whether its tensors are all that it wants, and no others."""
    model, info = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32,
                                                  output_loading_info=True)
    return model.eval(), not any(info.values())


@torch.no_grad()
def theirs_loss(model, vocab):
    _, x, y = tokens(vocab)
    return torch.nn.functional.cross_entropy(model(x).logits.flatten(0, 1), y.flatten()).item()


@torch.no_grad()
def check_logits(name, folder, model, vocab):
    ours, theirs = ours_logits(folder, vocab), model(tokens(vocab)[1]).logits[:, -1]
    if ours is not None:
        off = (ours - theirs).abs().max().item()
        check(off <= TOLERANCE, f'{name}: logits differ by {off:.1e}, of {theirs.std():.1f}')


def check_loss(name, ours, model, vocab):
    ours, theirs = float(ours), theirs_loss(model, vocab)
    check(abs(ours - theirs) <= TOLERANCE, f'{name}: loss {ours:.6f}, theirs {theirs:.6f}')


# -- from here to transformers ------------------------------------------------------------------

def ours_ids(text, vocab):
    source, ids = os.path.join(work, 'text.txt'), os.path.join(work, 'text.bin')
    with open(source, 'wb') as f:
        f.write(text.encode())
    run('tools/tokenize', '--from', source, '--to', ids, '--format', 'nanogpt', '--vocab', vocab,
        '--overwrite', 'on')
    return np.fromfile(ids, '<u2').tolist()


def read_vectors():
    """Recorded texts and their ids in GPT-2's own vocabulary."""
    with gzip.open(VECTORS, 'rt') as f:
        for line in f:
            _, text, ids = (line.rstrip('\n').split('\t') + ['', ''])[:3]
            yield bytes.fromhex(text).decode(), [int(x) for x in ids.split()]


def check_tokenizer(name, folder, vocab):
    """A spelled-out end-of-text is plain text here, which theirs does on demand."""
    text = '\n'.join(text for text, _ in read_vectors() if '\0' not in text)
    wanted = ours_ids(text, vocab)
    for kind in GPT2TokenizerFast, AutoTokenizer:
        tokenizer, plain = kind.from_pretrained(folder), dict(split_special_tokens=True)
        end, about = tokenizer.eos_token_id, f'{name}, {kind.__name__}'
        check(len(tokenizer) == vocab and end == vocab - 1,
              f'{about}: {len(tokenizer)} tokens, end of text {end}')
        check(tokenizer.encode('<|endoftext|>') == [end], f'{about}: end of text by its name')
        got = tokenizer.encode(text, **plain)
        check(wanted in (got + [end], [end] + got), f'{about}: {len(got)} ids of a text')
        check(tokenizer.decode(got) == text, f'{about}: the ids give the text')
        if vocab == 50257:
            wrong = [t for t, ids in read_vectors() if tokenizer.encode(t, **plain) != ids]
            check(not wrong, f'{about}: {len(wrong)} of the recorded texts have other ids')


def check_folder(name, folder, vocab, loss):
    """`loss` is the run's, of the weights in its memory; None where they are rounded."""
    model, complete = load(folder)
    check(complete, f'{name}: every tensor is found and used')
    end = model.generation_config.eos_token_id
    check(end == min(vocab, 50257) - 1, f'{name}: end of text {end}')
    if loss is not None:
        check_loss(name, loss, model, vocab)
    check_logits(name, folder, model, vocab)
    made = model.generate(tokens(vocab)[1][:, :T - 4], max_new_tokens=4, min_new_tokens=4)
    check(made.shape == (B, T), f'{name}: generates')


def exported(vocab):
    out = os.path.join(work, f'run-{vocab}')
    rows = train(out, vocab, '--lr', 0.3, '--optimizer', 'adamw')
    if rows is None:
        return
    loss = rows[-1]['val_loss']
    folders = [(f'checkpoint, vocabulary {vocab}', os.path.join(out, 'latest'), loss)]
    for dtype in 'f32', 'f16', 'bf16':
        folder = os.path.join(work, f'convert-{vocab}-{dtype}')
        if run('tools/convert', '--from', out, '--to', folder, '--dtype', dtype) is not None:
            folders.append((f'tools/convert --dtype {dtype}, vocabulary {vocab}', folder,
                            loss if dtype == 'f32' else None))
    for name, folder, loss in folders:
        check_folder(name, folder, vocab, loss)
    for name, folder, _ in folders[:2]:
        if 257 <= vocab <= 50257:
            check_tokenizer(name, folder, vocab)


# -- from transformers to here ------------------------------------------------------------------

@torch.no_grad()
def random_model(kind, dtype, vocab):
    """Weights larger than a new model's, so that a wrong one shows in the loss."""
    torch.manual_seed(1)
    model = kind(GPT2Config(vocab_size=vocab, n_positions=T, n_embd=C, n_layer=LAYERS, n_head=HEADS,
                            bos_token_id=vocab - 1, eos_token_id=vocab - 1))
    for name, p in model.named_parameters():
        p.normal_(1.0 if '.ln_' in name and name.endswith('weight') else 0.0, 0.2)
    return model.to(dtype)


def imported(kind, dtype, shard, vocab=300):
    name = f'{kind.__name__}, {dtype}, {"sharded" if shard else "one file"}'
    folder = os.path.join(work, name.replace(', ', '-').replace(' ', '-'))
    random_model(kind, dtype, vocab).save_pretrained(folder, max_shard_size=shard or '5GB')
    files = [file for file in os.listdir(folder) if file.endswith('.safetensors')]
    check((len(files) > 1) == bool(shard), f'{name}: {len(files)} files')
    model, _ = load(folder)
    rows = train(folder + '-run', vocab, '--init', folder, '--keep', 0)
    if rows is not None:
        check_loss(f'{name}, validation', rows[0]['val_loss'], model, vocab)
        check_loss(f'{name}, training', rows[1]['train_loss'], model, vocab)
    check_logits(name, folder, model, vocab)


def main():
    global work
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(f'torch {torch.__version__}, transformers {transformers.__version__}')
    with tempfile.TemporaryDirectory() as work:
        for vocab in 40, 257, 4096, 50257, 50304:
            exported(vocab)
        for kind in GPT2LMHeadModel, GPT2Model:
            for dtype in torch.float32, torch.float16, torch.bfloat16, torch.float64:
                for shard in None, '40KB':
                    imported(kind, dtype, shard)
    print(f'peers: {counts[True]} passed, {counts[False]} failed')
    sys.exit(1 if counts[False] else 0)


if __name__ == '__main__':
    main()
