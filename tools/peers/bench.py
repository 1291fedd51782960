#!/usr/bin/env python3
"""Times AdamW training steps of GPT-2 in ./train and in other programs, alternately.

Prints tokens per second (median of the rounds), their range, the ratio of ./train's to them, and
the peak memory. All programs compute in float32 and take whole steps: forward, backward, AdamW on
all weights. With --precision bf16, ./train multiplies in bf16 and PyTorch runs under autocast, also
compiled. ./train
also reads its batch and clips the gradient within that time. Run it on an idle machine.

  tools/peers/bench.py --torch python3 --llmc ../llm.c --peer NAME=PROGRAM

A peer is called as PROGRAM LAYERS HEADS CHANNELS VOCABULARY ROWS CONTEXT STEPS and prints a line
"SECONDS LOSS" for each step.
"""
import argparse
import csv
import glob
import gzip
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = {  # layers, heads, channels, vocabulary, rows, context
    "gpt2 4x64": (12, 12, 768, 50257, 4, 64),
    "gpt2 4x256": (12, 12, 768, 50257, 4, 256),
    "gpt2 2x1024": (12, 12, 768, 50257, 2, 1024),
    "6x384 4x256": (6, 6, 384, 50304, 4, 256),
}
# PyTorch frees and allocates all activations in each step; with glibc's defaults every page of
# them is a fault. Its older versions use AVX-512 only if told to.
TUNED = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:"
    "glibc.malloc.trim_threshold=100000000000:glibc.malloc.top_pad=67108864",
    "LD_LIBRARY_PATH": ":".join(glob.glob("/usr/lib/*/openblas-openmp")),
}
if "avx512vl" in pathlib.Path("/proc/cpuinfo").read_text():
    TUNED["ATEN_CPU_CAPABILITY"] = "avx512"


peak = 0  # MiB of the last program


def run(command, cwd=ROOT, env=None, lines=None):
    """The output of a command, or its first `lines` lines that begin with "step "."""
    global peak
    environment, out = {**os.environ, **(env or {})}, ""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(list(map(str, command)), cwd=cwd, env=environment, text=True,
                                   stdout=subprocess.PIPE, stderr=errors)
        for line in process.stdout:
            out += line if lines is None or line.startswith("step ") else ""
            if lines is not None and out.count("\n") == lines:
                process.terminate()
                break
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        peak = usage.ru_maxrss / 1024
        if status != 0 and lines is None:
            errors.seek(0)
            sys.exit(f"{command[0]} failed: {errors.read().strip()[-800:]}")
    return out


class Train:
    """./train on a token file in a temporary folder."""

    def __init__(self, work, threads, precision):
        self.work, self.threads, self.precision = work, threads, precision
        text = gzip.open(ROOT / "data/austen.txt.gz").read(1000000)
        (work / "text.txt").write_bytes(text)
        run([ROOT / "tools/tokenize", "--from", work / "text.txt", "--to", work / "tokens"])

    def train(self, size, steps, out, *options):
        layers, heads, channels, vocabulary, rows, context = size
        run([ROOT / "train", "--layers", layers, "--heads", heads, "--channels", channels,
             "--vocab", vocabulary, "--batch", rows, "--context", context, "--val-every", 0,
             "--data", self.work / "tokens_000000.bin", "--threads", self.threads, "--steps", steps,
             "--overwrite", "on", "--out", self.work / out, *options])

    def steps(self, size, steps):
        self.train(size, steps, "run", "--optimizer", "adamw", "--keep", 0, "--precision", self.precision)
        rows = list(csv.DictReader(open(self.work / "run/log.csv")))
        ms = ("forward_ms", "backward_ms", "optimizer_ms")
        return [(sum(float(r[name]) for name in ms) / 1e3, float(r["train_loss"])) for r in rows]


def llmc_steps(train, folder, size, steps):
    """llm.c's own program: it knows one batch size, reads fixed files, and runs until stopped."""
    place = train.work / "llmc"
    data = place / "dev/data/tinyshakespeare"
    if not place.exists():
        data.mkdir(parents=True)
        for part in ("train", "val"):
            (data / f"tiny_shakespeare_{part}.bin").symlink_to(train.work / "tokens_000000.bin")
        train.train(size, 1, "weights", "--optimizer", "sgd", "--keep", 1)
        run([ROOT / "tools/convert", "--from", train.work / "weights", "--format", "llm.c",
             "--to", place / "gpt2_124M.bin"])
    out = run(["stdbuf", "-oL", pathlib.Path(folder).resolve() / "train_gpt2"], cwd=place,
                 lines=steps)
    fields = [line.split() for line in out.splitlines()]
    return [(float(f[-2]) / 1e3, float(f[4])) for f in fields]


def peer_steps(command, size, steps, words=(), env=None):
    out = run([*command, *size, steps, *words], env=env)
    return [tuple(map(float, line.split())) for line in out.splitlines()]


def programs(o, train):
    """(name, function of size and steps, the sizes that it can run)."""
    gpt2, bf16 = [o.torch, ROOT / "tools/peers/gpt2.py"], ["bf16"] * (o.precision == "bf16")
    found = [("polar.c", train.steps, SIZES)]
    if o.torch:
        found.append(("PyTorch", lambda *a: peer_steps(gpt2, *a, bf16), SIZES))
        found.append(("PyTorch, tuned", lambda *a: peer_steps(gpt2, *a, bf16, TUNED), SIZES))
        found.append(("PyTorch, compiled",
                      lambda *a: peer_steps(gpt2, *a, bf16 + ["compile"], TUNED), SIZES))
    if o.llmc:
        found.append(("llm.c", lambda *a: llmc_steps(train, o.llmc, *a), ["gpt2 4x64"]))
    for peer in o.peer:
        name, _, program = peer.partition("=")
        found.append((name, lambda *a, p=program: peer_steps([p], *a), SIZES))
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--torch", metavar="PYTHON", help="a Python with PyTorch")
    p.add_argument("--llmc", metavar="FOLDER", help="an llm.c checkout with train_gpt2 built")
    p.add_argument("--peer", metavar="NAME=PROGRAM", action="append", default=[])
    p.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=5, help="steps timed per round, after a first one")
    p.add_argument("--only", default="", help="sizes whose name contains this, such as 4x256")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    o = p.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(o.threads)
    with tempfile.TemporaryDirectory() as work:
        train = Train(pathlib.Path(work), o.threads, o.precision)
        print(f"{'size':12} {'program':18} {'tokens/s':>9} {'range':>6} {'ratio':>6} {'MiB':>6}")
        for name, size in SIZES.items():
            if o.only not in name:
                continue
            able = [(n, f) for n, f, sizes in programs(o, train) if name in sizes]
            speeds, peaks = {n: [] for n, _ in able}, {}
            for _ in range(o.rounds):
                for n, f in able:
                    steps = f(size, o.steps + 1)
                    peaks[n] = peak
                    if len(steps) != o.steps + 1 or abs(steps[0][1] - math.log(size[3])) > 0.5:
                        sys.exit(f"{n}: expected {o.steps + 1} steps that begin at ln V: {steps}")
                    seconds = statistics.median(s for s, _ in steps[1:])
                    speeds[n].append(size[4] * size[5] / seconds)
            ours = statistics.median(speeds["polar.c"])
            for n, s in speeds.items():
                median, spread = statistics.median(s), (max(s) - min(s)) / min(s)
                print(f"{name:12} {n:18} {median:9.0f} {spread:6.0%} {ours / median:6.2f} "
                      f"{peaks[n]:6.0f}")


main()
