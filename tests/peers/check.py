#!/usr/bin/env python3
"""Models and tokenizers exchanged with transformers, in both directions; GGUF files read by
llama.cpp's gguf, by transformers and by llama.cpp itself; event files read by TensorBoard.

`python3 tests/peers/check.py`, from the project's root, after `make test-peers` built the programs.
Prints a line for each check, then a count; the exit code is 1 if one fails. Needs torch,
transformers and numpy. Checks that need gguf, accelerate, xllamacpp or tensorboard are skipped if
these are missing. Nothing is downloaded.
"""
import csv
import gzip
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

os.environ['HF_HUB_OFFLINE'] = '1'

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, GPT2Config, GPT2LMHeadModel, GPT2Model, GPT2TokenizerFast

LAYERS, HEADS, C, T, B = 2, 2, 32, 24, 4
TOLERANCE = 1e-4
VECTORS = 'tests/fixtures/tokenizer_vectors.tsv.gz'

counts = {True: 0, False: 0}
work = None


def check(ok, text):
    ok = bool(ok)
    counts[ok] += 1
    print('ok:' if ok else 'FAILED:', text, flush=True)


def missing(*modules):
    """Whether a module is not installed, after a line that says so."""
    for name in modules:
        if importlib.util.find_spec(name) is None:
            print(f'skipped: no {name}', flush=True)
            return True
    return False


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
    given = {'--layers': LAYERS, '--heads': HEADS, '--channels': C, '--context': T,
             '--vocab': vocab, '--batch': B, '--steps': 1, '--warmup': 0, '--threads': 1,
             '--data': ids, '--val': ids, '--val-tokens': B * T, '--order': 'sequential',
             '--out': out, **dict(zip(options[::2], options[1::2]))}
    if run('./train', *[word for pair in given.items() for word in pair]) is None:
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


def check_evaluate(name, path, model, vocab):
    """tools/evaluate on all ids, in rows of T."""
    out = run('tools/evaluate', '--from', path, '--data', tokens(vocab)[0], '--format', 'csv',
              '--context', T, '--threads', 1)
    if out is not None:
        row = list(csv.DictReader(out.splitlines()))[0]
        check(row['tokens'] == str(B * T), f'{name}: evaluates {row["tokens"]} tokens')
        check_loss(f'{name}, tools/evaluate', row['nats_per_token'], model, vocab)


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
        check(tokenizer.model_max_length == T, f'{about}: {tokenizer.model_max_length} positions')
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
    check_evaluate(name, folder, model, vocab)
    ends = GenerationConfig.from_pretrained(folder).eos_token_id
    check(ends == end, f'{name}: end of text {ends} in generation_config.json')
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


def model_options():
    """Models that are not GPT-2's: an untied head, no biases, exact GELU, dropout."""
    for name, *options in (('untied head', '--tie', 'off'), ('no biases', '--bias', 'off'),
                           ('exact GELU', '--gelu', 'exact'), ('dropout', '--dropout', 0.1)):
        out = os.path.join(work, f'run {name}')
        rows = train(out, 300, '--lr', 0.3, *options)
        if rows is None:
            continue
        check_folder(name, os.path.join(out, 'latest'), 300, rows[-1]['val_loss'])
        path = os.path.join(work, f'{name}.gguf')
        done = subprocess.run(['tools/convert', out, '--to', path], capture_output=True, text=True)
        if name == 'exact GELU':
            check(done.returncode == 1 and 'GELU' in done.stderr, f'{name}, gguf: refused')
        elif not missing('gguf', 'accelerate'):
            load_gguf(f'{name}, gguf', path, load(os.path.join(out, 'latest'))[0], 300)


# -- from here to llama.cpp ----------------------------------------------------------------------

def read_gguf(name, path, model, dtype):
    """llama.cpp's reader: shapes, types, and the numbers of each tensor."""
    import gguf
    reader = gguf.GGUFReader(path)
    state = {k: v for k, v in model.transformer.state_dict().items()}
    check(len(reader.tensors) == len(state), f'{name}: {len(reader.tensors)} tensors')
    wanted = {'f32': 'F32', 'f16': 'F16', 'bf16': 'BF16'}[dtype]
    types = {t.tensor_type.name for t in reader.tensors if t.name.endswith('ffn_up.weight')}
    check(types == {wanted}, f'{name}: matrices of type {types}')
    ours = {t.name: t for t in reader.tensors}['blk.1.ffn_up.weight']
    numbers = gguf.dequantize(ours.data, ours.tensor_type).reshape(ours.shape[::-1])
    theirs = state['h.1.mlp.c_fc.weight'].T.numpy()
    off = abs(numbers - theirs).max()
    check(off <= (0 if dtype == 'f32' else 0.01), f'{name}: blk.1.ffn_up.weight differs by {off:.1e}')


def load_gguf(name, path, model, vocab):
    """transformers, which takes the sizes from its own defaults."""
    folder, file = os.path.split(path)
    theirs = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, n_positions=T, vocab_size=vocab,
                                                  dtype=torch.float32).eval()
    x = tokens(vocab)[1]
    with torch.no_grad():
        off = (theirs(x).logits - model(x).logits).abs().max().item()
    check(off <= TOLERANCE, f'{name}, transformers: logits differ by {off:.1e}')


LLAMA = """
import json, os, sys, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.n_ctx, p.n_parallel, p.warmup = sys.argv[1], 256, 1, False
p.cpuparams.n_threads = 1
server = xllamacpp.Server(p)
answer = server.handle_completions({'prompt': json.loads(sys.argv[2]), 'n_predict': 4, 'ignore_eos': True,
                                    'temperature': 0, 'n_probs': 10})
top = answer['choices'][0]['logprobs']['content'][0]['top_logprobs']
print('\\n' + json.dumps([[t['id'], t['logprob']] for t in top]), flush=True)
os._exit(0)
"""


def run_llama(name, path, model, tokenizer, tolerance):
    """llama.cpp itself: the most probable tokens after a text, which it tokenizes, and their log
    probabilities."""
    text = 'It is a truth'
    out = run(sys.executable, '-c', LLAMA, path, json.dumps(text))
    if out is None:
        return
    with torch.no_grad():
        wanted = model(torch.tensor([tokenizer.encode(text)])).logits[0, -1].log_softmax(-1)
    off = max(abs(p - wanted[i].item()) for i, p in json.loads(out.splitlines()[-1]))
    check(off <= tolerance, f'{name}, llama.cpp: log probabilities differ by {off:.1e}')


def ggufs(vocab):
    run_folder = os.path.join(work, f'run-{vocab}')
    if missing('gguf') or not os.path.isdir(run_folder):
        return
    model, _ = load(os.path.join(run_folder, 'latest'))
    # llama.cpp's GELU is a table of float16.
    for dtype, tolerance in ('f32', 0.01), ('f16', 0.02), ('bf16', 0.1):
        path = os.path.join(work, f'{vocab}-{dtype}.gguf')
        name = f'gguf {dtype}, vocabulary {vocab}'
        if run('tools/convert', run_folder, '--to', path, '--dtype', dtype) is None:
            continue
        read_gguf(name, path, model, dtype)
        if dtype == 'f32' and not missing('accelerate'):
            load_gguf(name, path, model, vocab)
        # Where no token completes a character, it gives no probabilities.
        if 4096 <= vocab <= 50257 and not missing('xllamacpp'):
            tokenizer = GPT2TokenizerFast.from_pretrained(os.path.join(run_folder, 'latest'))
            run_llama(name, path, model, tokenizer, tolerance)
    if 257 <= vocab <= 50257:
        theirs = AutoTokenizer.from_pretrained(work, gguf_file=f'{vocab}-f32.gguf')
        text = '\n'.join(text for text, _ in read_vectors() if '\0' not in text)
        got = theirs.encode(text, split_special_tokens=True)
        check(got == ours_ids(text, vocab)[-len(got):], f'{name}: {len(got)} ids of a text')


# -- from here to TensorBoard --------------------------------------------------------------------

def scalars(folder, tag):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(folder, size_guidance={'scalars': 0, 'histograms': 0})
    events.Reload()
    return events, [(e.step, e.value) for e in events.Scalars(tag)]


def check_events(name, folder, log):
    for column in 'train_loss', 'val_loss', 'lr', 'grad_norm', 'optimizer_ms':
        wanted = [(int(r['step']), float(r[column])) for r in log if r[column]]
        events, got = scalars(folder, f'log/{column}')
        same = [s for s, _ in got] == [s for s, _ in wanted] and np.allclose(
            [x for _, x in got], [x for _, x in wanted], rtol=1e-6)
        check(same, f'{name}: {column} of {len(got)} steps')
    tags = events.Tags()['histograms']
    check(len(tags) == 6, f'{name}: {len(tags)} distributions of singular values')
    steps = [h.step for h in events.Histograms(tags[0])]
    check(steps == [2, 4, 6], f'{name}: at steps {steps}')
    value = events.Histograms(tags[0])[0].histogram_value
    check(abs(sum(value.bucket) - 100) < 1e-6 and 0 <= value.min <= value.max <= 1,
          f'{name}: values from {value.min:.3f} to {value.max:.3f}')


def tensorboards():
    """A run, the same run resumed from its middle, and an import of its log."""
    if missing('tensorboard'):
        return
    out, copy = os.path.join(work, 'events'), os.path.join(work, 'imported')
    log = train(out, 257, '--optimizer', 'muon', '--steps', 6, '--save-every', 4, '--val-every', 2,
                '--log-spectrum', 2, '--tensorboard', 'on')
    if log is None:
        return
    check_events('event file', out, log)
    if run('./train', '--resume', os.path.join(out, 'step-000004')) is not None:
        with open(os.path.join(out, 'log.csv'), newline='') as f:
            check_events('event files of a resumed run', out, list(csv.DictReader(f)))
    if run('tools/convert', out, '--format', 'tensorboard', '--to', copy) is not None:
        with open(os.path.join(out, 'log.csv'), newline='') as f:
            check_events('imported run', copy, list(csv.DictReader(f)))


# -- from transformers to here ------------------------------------------------------------------

@torch.no_grad()
def random_model(kind, dtype, vocab, **options):
    """Weights larger than a new model's, so that a wrong one shows in the loss."""
    torch.manual_seed(1)
    model = kind(GPT2Config(vocab_size=vocab, n_positions=T, n_embd=C, n_layer=LAYERS, n_head=HEADS,
                            bos_token_id=vocab - 1, eos_token_id=vocab - 1, **options))
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


def same_model(name, folder, vocab):
    """Reads a folder of transformers and compares the logits."""
    model, _ = load(folder)
    check_logits(name, folder, model, vocab)
    check_evaluate(name, folder, model, vocab)


def refused(name, folder, words):
    done = subprocess.run(['tools/evaluate', '--from', folder, '--data', tokens(300)[0]],
                          capture_output=True, text=True)
    check(done.returncode == 1 and words in done.stderr, f'{name}: {done.stderr.strip()}')


def old_buffers(vocab=300):
    """The masks that older versions of transformers saved with the weights."""
    folder = os.path.join(work, 'old')
    random_model(GPT2LMHeadModel, torch.float32, vocab).save_pretrained(folder)
    path = os.path.join(folder, 'model.safetensors')
    tensors = load_file(path)
    for layer in range(LAYERS):
        tensors[f'transformer.h.{layer}.attn.bias'] = torch.ones(1, 1, T, T).tril().bool()
        tensors[f'transformer.h.{layer}.attn.masked_bias'] = torch.tensor(-1e4)
    save_file(tensors, path, metadata={'format': 'pt'})
    same_model('attention masks in the file', folder, vocab)


def variants(vocab=300):
    for name, options in (('untied head', dict(tie_word_embeddings=False)),
                          ('exact GELU', dict(activation_function='gelu')),
                          ('gelu_pytorch_tanh', dict(activation_function='gelu_pytorch_tanh'))):
        folder = os.path.join(work, name.replace(' ', '-'))
        random_model(GPT2LMHeadModel, torch.float32, vocab, **options).save_pretrained(folder)
        same_model(name, folder, vocab)
        again = folder + '-again'
        if run('tools/convert', folder, '--to', again) is not None:
            model, complete = load(again)
            check(complete, f'{name}, converted: every tensor is found and used')
            check_logits(f'{name}, converted', folder, model, vocab)
    for options, words in ((dict(activation_function='relu'), 'activation_function is relu'),
                           (dict(n_inner=64), 'n_inner is 64'),
                           (dict(layer_norm_epsilon=1e-6), 'layer_norm_epsilon is 1e-06'),
                           (dict(scale_attn_by_inverse_layer_idx=True), 'scale_attn_by_inverse')):
        folder = os.path.join(work, words.replace(' ', '-'))
        random_model(GPT2LMHeadModel, torch.float32, vocab, **options).save_pretrained(folder)
        refused('refused', folder, words)


def main():
    global work
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(f'torch {torch.__version__}, transformers {transformers.__version__}')
    with tempfile.TemporaryDirectory() as work:
        for vocab in 40, 257, 4096, 50257, 50304:
            exported(vocab)
            ggufs(vocab)
        model_options()
        tensorboards()
        old_buffers()
        variants()
        for kind in GPT2LMHeadModel, GPT2Model:
            for dtype in torch.float32, torch.float16, torch.bfloat16, torch.float64:
                for shard in None, '40KB':
                    imported(kind, dtype, shard)
    print(f'peers: {counts[True]} passed, {counts[False]} failed')
    sys.exit(1 if counts[False] else 0)


if __name__ == '__main__':
    main()
