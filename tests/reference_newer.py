"""Newer methods of reference.py: AdEMAMix, MARS, PolarGrad, SOAP-Muon, ClippedScion, Schedule-Free."""
import math

import numpy as np

from reference_parts import *


# -- relatives of AdamW -------------------------------------------------------------------------

def ademamix(G, s, o):
    """Pagliardini, Ablin, Grangier, "The AdEMAMix Optimizer: Better, Faster, Older",
    arXiv 2409.03137 (apple/ml-ademamix).

    Adam with a second, slow average without bias correction: m2 = b3 m2 + (1-b3) G,
    U = (m/(1-b1^t) + alpha m2) / (sqrt(v/(1-b2^t)) + eps).  Until step T_alpha alpha is
    t/T_alpha of itself; until step T_beta3 the half-life of b3 rises linearly from that of b1,
    with f(b) = log .5 / log(b + 1e-8) - 1 and its inverse .5^(1/(f+1)).
    """
    alpha, b3 = o.alpha, o.beta3
    if s.t < o.alpha_warmup:
        alpha *= s.t / o.alpha_warmup
    if s.t < o.beta3_warmup:
        part = s.t / o.beta3_warmup
        first, last = (math.log(.5) / math.log(b + 1e-8) - 1 for b in (o.beta1, o.beta3))
        b3 = .5 ** (1 / ((1 - part) * first + part * last + 1))
    s.m = o.beta1 * s.m + (1 - o.beta1) * G
    s.v = o.beta2 * s.v + (1 - o.beta2) * G ** 2
    s.m2 = b3 * s.m2 + (1 - b3) * G
    root = np.sqrt(s.v / (1 - o.beta2 ** s.t)) + o.eps
    return (s.m / (1 - o.beta1 ** s.t) + alpha * s.m2) / root


def mars(G, s, o):
    """Yuan, Liu, Wu, Zhou, Gu, "MARS: Unleashing the Power of Variance Reduction for Training
    Large Models", arXiv 2411.10438, MARS-AdamW in its approximate form (AGI-Arena/MARS).

    c = G + gamma b1/(1-b1) (G - G of the step before), 0 before the first; divided by its norm
    where that is above 1; then Adam on c.
    """
    c = G + o.gamma * o.beta1 / (1 - o.beta1) * (G - s.before)
    s.before = G
    return adam(c / max(1, np.linalg.norm(c)), s, o)


def schedule_free(G, s, o):
    """Defazio et al., "The Road Less Scheduled", arXiv 2405.15682
    (facebookresearch/schedule_free, adamw_schedulefree_reference.py), for a constant rate.

    z = z - lr (G / (sqrt(v/(1-b2^t)) + eps) + wd y), x = (1-c) x + c z with c = lr^2 / sum of lr^2
    so far, y = b1 x + (1-b1) z; all start at W.  W is y, where the gradient is taken.
    """
    if s.t == 1:
        s.x = s.z = s.W
    s.v = o.beta2 * s.v + (1 - o.beta2) * G ** 2
    s.z = s.z - o.lr * (G / (np.sqrt(s.v / (1 - o.beta2 ** s.t)) + o.eps) + o.wd * s.W)
    s.x = s.x + (s.z - s.x) / s.t
    s.keep = 1
    return (s.W - o.beta1 * s.x - (1 - o.beta1) * s.z) / o.lr


# -- relatives of Muon --------------------------------------------------------------------------

def polargrad(G, s, o):
    """Lau, Long, Su, "PolarGrad: A Class of Matrix-Gradient Optimizers from a Unifying
    Preconditioning Perspective", arXiv 2505.21799 (timlautk/polargrad).

    M = mu M + (1-mu) G, U = <M, msgn(M)> msgn(M); polar first: M = mu M + (1-mu) msgn(G),
    U = <G, msgn(G)> M.
    """
    if o.polar_first == 'on':
        P = orthogonalize(G, o.orthogonalize, o)
        return np.sum(G * P) * ema(P, s, o.momentum, 'off')
    M = ema(G, s, o.momentum, 'off')
    P = orthogonalize(M, o.orthogonalize, o)
    return np.sum(M * P) * P


def soap_muon(G, s, o):
    """SOAP-Muon (KellerJordan/modded-nanogpt, records/track_3_optimization/results/
    20260504_contra_muon_mlp_soapish): its SOAP-like change of Muon's momentum alone.

    Z is Muon's momentum.  From the second step S = P^T Z Q, V = b2 V + (1-b2) S^2,
    Y = P [S / (sqrt(V) + eps)] Q^T, times ||Z|| / ||Y||; U = scale msgn(Y).  After each
    step L = b2 L + (1-b2) G G^T and R = b2 R + (1-b2) G^T G; the first makes their eigenbases P, Q,
    and when update-gap divides t-1 they are sorted and improved as SOAP's.
    """
    Y = Z = ema(G, s, o.momentum, o.nesterov)
    if s.t > 1:
        S = s.P.T @ Z @ s.Q
        s.v = o.beta2 * s.v + (1 - o.beta2) * S ** 2
        Y = s.P @ (S / (np.sqrt(s.v) + o.eps)) @ s.Q.T
        Y = Y * np.linalg.norm(Z) / np.linalg.norm(Y)
    shampoo(G, s, o.beta2, o.update_gap)
    return shape_scale(o.shape_scale, *G.shape) * orthogonalize(Y, o.orthogonalize, o)


def clipped_scion(Gs, states, o):
    """Pethick et al., "Generalized Gradient Norm Clipping & Non-Euclidean (L0, L1)-Smoothness",
    arXiv 2506.01913, Algorithm 1 over the largest norm of the layers (the paper and the README of
    LIONS-EPFL/ClippedScion; its code was not available).

    d = (1-alpha) d + alpha G, v = radius sqrt(m/n) msgn(d), S = the sum of <d, v> over all
    matrices, W <- (1 - lr wd) W - lr min(1, S/rho) v: lr is gamma rho in the paper's letters.
    """
    steps, total = [], 0
    for G, s in zip(Gs, states):
        d = ema(G, s, 1 - o.alpha, 'off')
        v = o.radius * shape_scale('spectral', *G.shape) * orthogonalize(d, o.orthogonalize, o)
        total += np.sum(d * v)
        steps.append(v)
    return [min(1, total / o.rho) * v for v in steps]


clipped_scion.joint = True  # one call for all blocks


# -- cases (as METHODS and PUBLISHED of reference.py) ----------------------------------------------

METHODS = {
    'ademamix': (ademamix, {
            'lr': 0.02, 'wd': 0.1, 'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'beta3': 0.9999,
            'alpha': 8, 'alpha-warmup': 0, 'beta3-warmup': 0}, [
        ('default', {}, SMALL + LARGE),
        ('warmup', {'beta3': 0.98, 'alpha-warmup': 4, 'beta3-warmup': 6, 'steps': 7}, TINY),
        ('large', {'beta3': 0.99, 'alpha': 300, 'wd': 0}, TINY)]),

    'mars': (mars, {'lr': 0.02, 'wd': 0.1, 'beta1': 0.95, 'beta2': 0.99, 'eps': 1e-8,
                    'gamma': 0.025}, [
        ('default', {}, SMALL + LARGE),
        ('no-correction', {'gamma': 0}, TINY),
        ('large', {'gamma': 1, 'beta1': 0.9, 'wd': 0}, TINY + [QKV])]),

    'polargrad': (polargrad, {
            'lr': 0.02, 'wd': 0.1, 'momentum': 0.95, 'polar-first': 'off', 'orthogonalize': 'svd'}, [
        ('default', {}, SMALL + LARGE),
        ('polar-first', {'polar-first': 'on'}, TINY + [QKV]),
        ('newton-schulz', NEWTON_SCHULZ, TINY + [QKV]),
        ('no-momentum', {'momentum': 0, 'wd': 0}, TINY)]),

    'soap-muon': (soap_muon, {
            'lr': 0.02, 'wd': 0.1, 'momentum': 0.95, 'nesterov': 'on', 'beta2': 0.9, 'eps': 0.01,
            'update-gap': 10, 'orthogonalize': 'newton-schulz', **polynomial('track3', 12),
            'shape-scale': 'kj'}, [
        ('default', {}, SQUARE + [(24, 24, 1)]),
        ('svd', {'orthogonalize': 'svd'}, SQUARE),
        ('every-step', {'update-gap': 1, 'nesterov': 'off'}, SQUARE),
        ('crossing', {'update-gap': 2, 'beta2': 0.5, 'wd': 0, 'steps': 8}, SQUARE)]),

    'clipped-scion': (clipped_scion, {
            'lr': 0.02, 'wd': 0.1, 'alpha': 0.1, 'radius': 2, 'rho': 3, 'orthogonalize': 'svd'}, [
        ('default', {}, SMALL + LARGE),
        ('clipped', {'rho': 0.01}, TINY + [QKV]),
        ('newton-schulz', {**NEWTON_SCHULZ, 'rho': 1000}, TINY + [QKV])]),

    'schedule-free': (schedule_free, {'lr': 0.02, 'wd': 0.1, 'beta1': 0.9, 'beta2': 0.999,
                                      'eps': 1e-8}, [
        ('default', {}, SMALL + LARGE),
        ('averages', {'beta1': 1, 'steps': 6}, TINY),
        ('last', {'beta1': 0, 'wd': 0, 'steps': 6}, TINY)]),
}

PUBLISHED = {
    'ademamix': ('ademamix', {
        'lr': 1e-3, 'weight-decay': 0.1, 'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8,
        'beta3': 0.9999, 'alpha': 8, 'alpha-warmup': 256000, 'beta3-warmup': 256000,
        'embedding-decay': 1, **NO_CLIP}),
    'mars': ('mars', {'lr': 6e-3, 'weight-decay': 0.01, 'beta1': 0.95, 'beta2': 0.99, 'eps': 1e-8,
                      'gamma': 0.025, 'qkv-split': 1, 'aux-lr': 3e-3, 'aux-beta1': 0.9,
                      'aux-beta2': 0.95, 'aux-eps': 1e-8, 'clip': 1}),
    'polargrad': ('polargrad', {'lr': 0.02, 'weight-decay': 0, 'momentum': 0.95,
                                'polar-first': 'off', 'orthogonalize': 'converged', **NO_CLIP}),
    'clipped-scion': ('clipped-scion', {
        'lr': 2 ** -12, 'weight-decay': 0, 'alpha': 0.1, 'radius': 50, 'head-norm': 'sign',
        'head-radius': 3000, 'rho': 600, 'orthogonalize': 'newton-schulz', **NS, **NO_CLIP}),
    'schedule-free': ('schedule-free', {
        'lr': 2.5e-3, 'weight-decay': 0, 'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'warmup': 0,
        'schedule': 'constant', **NO_CLIP}),
}
