"""The newer variants of Muon in float64, each `method(G, s, o)` as reference.py describes it."""
import math

import numpy as np

from reference_parts import *


def orthogonal_momentum(G, s, o):
    """Muon's U, without a scale."""
    return orthogonalize(ema(G, s, o.momentum, o.nesterov), o.orthogonalize, o)


def muonh(G, s, o):
    """MuonH, a step on the sphere of the norm that W starts with (KellerJordan/modded-nanogpt
    e0f0bfc, records/track_3_optimization/results/20260430_muonh/train_gpt_simple_muonh.py).

    W' = W - lr ||W|| U / max(||U||, 1e-10);  W = ||W|| W' / max(||W'||, 1e-10).  No decay.
    """
    U, norm = orthogonal_momentum(G, s, o), np.linalg.norm(s.W)
    U = norm * U / max(np.linalg.norm(U), 1e-10)
    s.keep = norm / max(np.linalg.norm(s.W - o.lr * U), 1e-10)
    return s.keep * U


def muoneq(G, s, o):
    """Chang et al., "MuonEq: Balancing Before Orthogonalization with Lightweight Equilibration",
    arXiv 2603.28254 (MaeChd/muon-eq 99b6c8b, llm-opt-baseline-gpu/llm-baselines/src/optim/
    muoneq.py with rowcol_scale_exponent -0.5).

    B = mu B + G, Z = G + mu B;  row i times r_i = (sum_j Z_ij^2 + eps)^-1/2, column j times
    c_j = (sum_i Z_ij^2 + eps)^-1/2, or both, of the same Z.
    """
    s.B = o.momentum * s.B + G
    Z = G + o.momentum * s.B if o.nesterov == 'on' else s.B
    rows = (np.sum(Z ** 2, axis=1, keepdims=True) + o.eps) ** -0.5
    columns = (np.sum(Z ** 2, axis=0, keepdims=True) + o.eps) ** -0.5
    Z = Z * {'rows': rows, 'columns': columns, 'both': rows * columns}[o.equalize]
    return shape_scale(o.shape_scale, *G.shape) * orthogonalize(Z, o.orthogonalize, o)


def muon2(G, s, o):
    """Liu et al., "Muon^2: Boosting Muon via Adaptive Second-Moment Preconditioning",
    arXiv 2604.09967 (abstract, and KellerJordan/modded-nanogpt a5adcca,
    records/track_3_optimization/results/20260501_muonsq/train_gpt_simple_muonsq.py).

    V = b2 V + (1-b2) G^2, V_0 = 0 without bias correction; U = orthogonalize(Z / (sqrt(V) + eps)).
    """
    Z = ema(G, s, o.momentum, o.nesterov)
    s.V = o.beta2 * s.V + (1 - o.beta2) * G ** 2
    U = orthogonalize(Z / (np.sqrt(s.V) + o.eps), o.orthogonalize, o)
    return shape_scale(o.shape_scale, *G.shape) * U


def aurora(G, s, o):
    """Aurora (tilde-research/aurora-release 3d79a5c, src/aurora.py; microsoft/dion d4d4fd5,
    dion/aurora_reference.py, multiplies the step of a wide block by sqrt(cols/rows) too).

    A square block takes Muon's step.  Others are transposed so that rows >= cols: D = 1 / max(row
    norms of Z, eps), U = orthogonalize(D Z), then D *= (cols / rows / max(row norms of U squared,
    eps^2))^damping and U anew, `iterations` times in all.
    """
    Z = ema(G, s, o.momentum, o.nesterov)
    X = tall(Z)
    m, n = X.shape
    if m == n:
        U = orthogonalize(X, o.orthogonalize, o)
    else:
        D = 1 / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), o.eps)
        for k in range(o.iterations):
            U = orthogonalize(D * X, o.orthogonalize, o)
            squares = np.maximum(np.sum(U ** 2, axis=1, keepdims=True), o.eps ** 2)
            D = D * (n / m / squares) ** o.damping
    return shape_scale(o.shape_scale, *G.shape) * like(U, Z)


def adamuon(G, s, o):
    """Si, Zhang, Shen, "AdaMuon: Adaptive Muon Optimizer", arXiv 2507.11005
    (Chongjie-Si/AdaMuon 369f0b3, gpt2/models/optimizers/adamuon.py).

    O = orthogonalize(sign(Z));  V = mu V + (1-mu) O^2, V_0 = 0 without bias correction;
    U = O / (sqrt(V) + eps), rescaled to 0.2 sqrt(mn) / (||U|| + eps).
    """
    O = orthogonalize(np.sign(ema(G, s, o.momentum, o.nesterov)), o.orthogonalize, o)
    s.V = o.momentum * s.V + (1 - o.momentum) * O ** 2
    U = O / (np.sqrt(s.V) + o.eps)
    return 0.2 * math.sqrt(U.size) / (np.linalg.norm(U) + o.eps) * U


def spectral_norm(X):
    """Five power iterations from equal numbers, as Contra-Muon estimates it."""
    v = np.ones(X.shape[1]) / math.sqrt(X.shape[1])
    for _ in range(5):
        u = X @ v
        u = u / max(np.linalg.norm(u), 1e-10)
        v = X.T @ u
        v = v / max(np.linalg.norm(v), 1e-10)
    return max(np.linalg.norm(X @ v), 1e-10)


def contra_muon(G, s, o):
    """Contra-Muon (nilin/contra-muon; KellerJordan/modded-nanogpt 5754e86, records/
    track_3_optimization/results/20260501_contra_muon/train_gpt_simple_contra_muon_2.py).

    C = O - contra Z / ||Z||_2 of O = orthogonalize(Z), times ||O|| / ||C|| and the shape scale;
    then v = b2 v + (1-b2) mean(C^2) over each row (rows >= cols) or column, U = C / sqrt(v), of
    the norm of C again; at last ||U|| is at least floor ||W||.
    """
    Z = ema(G, s, o.momentum, o.nesterov)
    O = orthogonalize(Z, o.orthogonalize, o)
    C = O - o.contra * Z / spectral_norm(Z)
    C = C * np.linalg.norm(O) / max(np.linalg.norm(C), 1e-10)
    C = C * shape_scale(o.shape_scale, *G.shape)
    mean = np.mean(C ** 2, axis=1 if C.shape[0] >= C.shape[1] else 0, keepdims=True)
    s.v = o.beta2 * s.v + (1 - o.beta2) * mean
    U = C / np.sqrt(np.maximum(s.v, 1e-10))
    U = U * np.linalg.norm(C) / max(np.linalg.norm(U), 1e-10)
    w, u = max(np.linalg.norm(s.W), 1e-8), max(np.linalg.norm(U), 1e-8)
    return U * max(1, o.floor * w / u)


# -- cases --------------------------------------------------------------------------------------

MUON = {'lr': 0.02, 'wd': 0.1, 'momentum': 0.95, 'nesterov': 'on',
        'orthogonalize': 'newton-schulz', **NS}
TRACK3 = polynomial('track3', 12)

METHODS = {
    'muonh': (muonh, MUON, [
        ('default', {}, SMALL + LARGE),
        ('svd', {'orthogonalize': 'svd', 'nesterov': 'off'}, TINY + [QKV]),
        ('track3', {'lr': 0.5, 'momentum': 0.8, **TRACK3}, TINY)]),

    'muoneq': (muoneq, {**MUON, 'equalize': 'rows', 'eps': 1e-8, 'shape-scale': 'kj'}, [
        ('default', {}, SMALL + LARGE),
        ('columns', {'equalize': 'columns', 'nesterov': 'off'}, TINY + [QKV]),
        ('both', {'equalize': 'both', 'eps': 0.1}, TINY + [QKV]),
        ('svd', {'orthogonalize': 'svd', 'shape-scale': 'rms', 'wd': 0}, TINY)]),

    'muon2': (muon2, {**MUON, 'beta2': 0.95, 'eps': 1e-10, 'shape-scale': 'kj'}, [
        ('default', {}, SMALL + LARGE),
        ('no-nesterov', {'nesterov': 'off', 'beta2': 0.8, 'eps': 0.1}, TINY + [QKV]),
        ('svd', {'orthogonalize': 'svd', 'shape-scale': 'rms', 'wd': 0}, TINY)]),

    'aurora': (aurora, {**MUON, 'iterations': 2, 'damping': 0.5, 'eps': 1e-7,
                        'shape-scale': 'kj', **TRACK3}, [
        ('default', {}, SMALL + LARGE),
        ('once', {'iterations': 1, 'nesterov': 'off'}, TINY),
        ('four', {'iterations': 4, 'damping': 0.3, **polynomial('polar-express')}, TINY + [QKV]),
        ('svd', {'orthogonalize': 'svd', 'shape-scale': 'none', 'eps': 0.3, 'wd': 0}, TINY)]),

    'adamuon': (adamuon, {**MUON, 'eps': 1e-8}, [
        ('default', {}, SMALL + LARGE),
        ('no-nesterov', {'nesterov': 'off', 'momentum': 0.8, 'eps': 0.1}, TINY + [QKV]),
        ('svd', {'orthogonalize': 'svd', 'eps': 1e-3, 'wd': 0}, TINY)]),

    'contra-muon': (contra_muon, {**MUON, 'contra': 0.2, 'beta2': 0.95, 'floor': 0.35,
                                  'shape-scale': 'kj'}, [
        ('default', {}, SMALL + LARGE),
        ('floor', {'floor': 3, 'contra': 0.5, 'nesterov': 'off'}, TINY + [QKV]),
        ('svd', {'orthogonalize': 'svd', 'beta2': 0.5, 'floor': 0, 'wd': 0}, TINY)]),
}

# As PUBLISHED of reference.py.
RECORD_AUX = {'aux-lr': 1 / 320, 'aux-beta1': 0.8, 'aux-beta2': 0.95, 'aux-eps': 1e-10, **NO_CLIP}
NESTEROV = {'momentum': 0.95, 'nesterov': 'on', 'orthogonalize': 'newton-schulz'}
PUBLISHED = {
    'muonh': ('muonh', {'lr': 0.018, 'weight-decay': 0, **NESTEROV, **TRACK3, **RECORD_AUX}),
    'muoneq': ('muoneq', {
        'lr': 2e-3, 'weight-decay': 0.1, **NESTEROV, **NS, 'equalize': 'rows', 'eps': 1e-8,
        'shape-scale': 'rms', 'embedding-decay': 1, 'aux-lr': 2e-3, 'aux-beta1': 0.95,
        'aux-beta2': 0.95, 'aux-eps': 1e-8, 'clip': 1}),
    'muon2': ('muon2', {'lr': 0.1, 'weight-decay': 0.0125, **NESTEROV, **TRACK3, 'beta2': 0.95,
                        'eps': 1e-10, 'shape-scale': 'kj', 'embedding-decay': 0, **RECORD_AUX}),
    'aurora': ('aurora', {
        'lr': 0.05, 'weight-decay': 0.025, **NESTEROV, **TRACK3, 'iterations': 2, 'damping': 0.5,
        'eps': 1e-7, 'shape-scale': 'kj', 'embedding-decay': 1, 'aux-lr': 0.05,
        'aux-beta1': 0.95, 'aux-beta2': 0.95, 'aux-eps': 1e-7, **NO_CLIP}),
    'adamuon': ('adamuon', {
        'lr': 6e-4, 'weight-decay': 0.1, **NESTEROV, **NS, 'eps': 1e-8, 'embedding-decay': 1,
        'aux-lr': 6e-4, 'aux-beta1': 0.9, 'aux-beta2': 0.95, 'aux-eps': 1e-8, 'clip': 1}),
    'contra-muon': ('contra-muon', {
        'lr': 0.0375, 'weight-decay': 0, **NESTEROV, **TRACK3, 'contra': 0.2, 'beta2': 0.95,
        'eps': 1e-10, 'floor': 0.35, 'shape-scale': 'kj', **RECORD_AUX}),
}
