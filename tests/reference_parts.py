"""The building blocks of reference.py in float64: numbers as the C tests make them, files, random
streams, the polar factor, Newton-Schulz, and the state of a method.
"""

import gzip
import math
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


# -- deterministic inputs -----------------------------------------------------------------------

def splitmix64(x):
    """SplitMix64 (Steele, Lea, Flood 2014) as a hash of a 64-bit counter."""
    x = np.asarray(x, dtype=np.uint64)
    with np.errstate(over='ignore'):
        z = x + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def value(stream, count):
    """`count` numbers of unit variance, float32 exact: a centred sum of four uniforms."""
    j = np.arange(4 * count, dtype=np.uint64) + np.uint64(stream << 32)
    u = (splitmix64(j) >> np.uint64(11)).astype(np.float64) * 2.0 ** -53
    u = u.reshape(count, 4)
    total = u[:, 0] + u[:, 1] + u[:, 2] + u[:, 3] - 2
    return float32(total * 1.7320508075688772)


def float32(x):
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def weights(q, m, n):
    return value(10 * q, m * n).reshape(m, n)


def gradient(q, t, m, n):
    """Noise that changes with the step plus a fixed rank-one part."""
    noise = float32(0.1 * value(10 * q + t, m * n)).reshape(m, n)
    a, b = value(10 * q + 8, m), value(10 * q + 9, n)
    return float32(noise + 0.3 * a[:, None] * b[None, :] / math.sqrt(n))


def write(name, lines):
    """A gzipped text file, identical bytes for identical lines."""
    path = os.path.join(HERE, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as raw:
        with gzip.GzipFile('', 'wb', 9, raw, mtime=0) as out:
            out.write(('\n'.join(lines) + '\n').encode())


def numbers(x):
    return ' '.join('%.9g' % v for v in np.ravel(x))


# -- random numbers -----------------------------------------------------------------------------

class Philox:
    """Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).

    Counter {n, block index, step, purpose 3}, key = seed; n counts the groups of four words.
    Step 0 is the initialisation of the state.
    """

    def __init__(self, index, step, seed=42, purpose=3):
        self.counter, self.seed = (index, step, purpose), seed
        self.n, self.pending = 0, []

    @staticmethod
    def block(counter, key):
        c, k = list(counter), list(key)
        for _ in range(10):
            p, r = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [(r >> 32) ^ c[1] ^ k[0], r & 0xFFFFFFFF, (p >> 32) ^ c[3] ^ k[1], p & 0xFFFFFFFF]
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        return c

    def word(self):
        if not self.pending:
            key = self.seed & 0xFFFFFFFF, self.seed >> 32
            self.pending = self.block((self.n, *self.counter), key)
            self.n += 1
        return self.pending.pop(0)

    def uniform(self):
        return (self.word() + 0.5) * 2.0 ** -32

    def normal(self, m, n):
        """An m x n Gaussian matrix by Box-Muller, filled row by row, float32 exact."""
        z = []
        while len(z) < m * n:
            r, angle = math.sqrt(-2 * math.log(self.uniform())), 2 * math.pi * self.uniform()
            z += [r * math.cos(angle), r * math.sin(angle)]
        return float32(z[:m * n]).reshape(m, n)

    def choose(self, n, k):
        """k distinct numbers below n: the head of a Fisher-Yates shuffle."""
        order = list(range(n))
        for i in range(k):
            j = i + (self.word() * (n - i) >> 32)
            order[i], order[j] = order[j], order[i]
        return order[:k]


# -- linear algebra -----------------------------------------------------------------------------

def svd(X):
    return np.linalg.svd(X, full_matrices=False)


def msgn(X):
    """Polar factor U V^T of X over its nonzero singular values; msgn(0) = 0."""
    U, sigma, Vt = svd(X)
    keep = sigma > 3e-7 * sigma[0]
    return U[:, keep] @ Vt[keep]


def spectral_power(X, p):
    """U S^p V^T over the nonzero singular values, scaled to the Frobenius norm of U V^T."""
    U, sigma, Vt = svd(X)
    keep = sigma > 3e-7 * sigma[0]
    S = sigma[keep] ** p
    return U[:, keep] * (S * np.sqrt(len(S)) / np.linalg.norm(S)) @ Vt[keep]


def orth(Y):
    """Thin Householder QR, the orthonormal factor."""
    return np.linalg.qr(Y)[0]


def wide(X):
    """X, or its transpose when it has more rows than columns."""
    return X.T if X.shape[0] > X.shape[1] else X


def tall(X):
    return X.T if X.shape[0] < X.shape[1] else X


def like(X, G):
    """Undo wide() or tall()."""
    return X if X.shape == G.shape else X.T


def range_finder(X, rank, oversample, power, stream):
    """Top `rank` left singular basis of X (Halko, Martinsson, Tropp, arXiv 0909.4061).

    The sketch has min(rank + oversample, rows, cols) columns; the result is rotated so that
    truncation keeps the leading directions of the sketched space.
    """
    Y = X @ stream.normal(X.shape[1], min(rank + oversample, *X.shape))
    for _ in range(power):
        Y = X @ (X.T @ orth(Y))
    Q = orth(Y)
    return Q @ svd(Q.T @ X)[0][:, :rank]


# -- Newton-Schulz ------------------------------------------------------------------------------

POLAR_EXPRESS = [
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
    (1.875, -1.25, 0.375)]

# Triples (a, b, c) of a x + b x^3 + c x^5, applied in order; the last one repeats.
SCHEDULES = {
    'jordan': [(3.4445, -4.7750, 2.0315)],
    'you': [(a / 1024, b / 1024, c / 1024) for a, b, c in [
        (3955, -8306, 5008), (3735, -6681, 3463), (3799, -6499, 3211),
        (4019, -6385, 2906), (2677, -3029, 1162), (2172, -1833, 682)]],
    'cesista': [(4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037),
                (2.8769, -3.1427, 1.2046), (2.8366, -3.0525, 1.2012)],
    'polar-express': [(a / 1.01, b / 1.01 ** 3, c / 1.01 ** 5)
                      for a, b, c in POLAR_EXPRESS[:-1]] + POLAR_EXPRESS[-1:],
    'dion': [(8.156554524902461, -22.48329292557795, 15.878769915207462),
             (4.042929935166739, -2.808917465908714, 0.5000178451051316),
             (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
             (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
             (2.3465413258596377, -1.7097828382687081, 0.42323551169305323)],
    'cans': [(8.4703, -25.1081, 18.6293), (4.1828, -3.1087, 0.5806), (3.9619, -2.9541, 0.5630),
             (3.2866, -2.4647, 0.5074), (2.2737, -1.6447, 0.4162)],
    'classical': [(15 / 8, -10 / 8, 3 / 8)],
    'cubic': [(1.5, -0.5, 0.0)],
    'track3': [(2.0, -1.5, 0.5)],
    'deepseek': [(3.4445, -4.7750, 2.0315)] * 8 + [(2.0, -1.5, 0.5)] * 2,
    'cubic5': [(3.3656576, -3.3420992, 0.0), (2.5744352, -1.4957376, 0.0),
               (2.5368962, -1.4312570, 0.0), (2.4418906, -1.2764040, 0.0),
               (2.2230472, -0.9630650, 0.0)],
}
SAFETY = {'polar-express': 1.01, 'dion': 1.02}
# Added to the norm: 1e-7 in the code of Muon, NorMuon, Scion, ROOT, low-rank Muon and Polar
# Express; Dion's classes have an epsilon of 1e-8.
EPS = {'dion': 1e-8}


def schedule(name, steps):
    entries = SCHEDULES[name]
    return entries[:steps] + entries[-1:] * (steps - len(entries))


def newton_schulz(Z, name, steps):
    """Quintic Newton-Schulz on Z / (||Z||_F + eps), the norm times 1.01 or 1.02 for the sets that
    need it."""
    X = wide(Z) / (SAFETY.get(name, 1.0) * np.linalg.norm(Z) + EPS.get(name, 1e-7))
    for a, b, c in schedule(name, steps):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return like(X, Z)


def orthogonalize(Z, how, o):
    if how == 'newton-schulz':
        return newton_schulz(Z, o.ns_schedule, o.ns_steps)
    return msgn(Z)


def shape_scale(name, m, n):
    """Factor of the orthogonalized update of an m x n block (m = fan out, n = fan in)."""
    return {'none': 1.0,
            'kj': math.sqrt(max(1.0, m / n)),
            'spectral': math.sqrt(m / n),
            'rms': 0.2 * math.sqrt(max(m, n)),
            'old': math.sqrt(max(m, n))}[name]


def ema(G, s, mu, nesterov):
    """B = mu B + (1-mu) G; Z = B, or (1-mu) G + mu B with Nesterov."""
    s.B = mu * s.B + (1 - mu) * G
    return (1 - mu) * G + mu * s.B if nesterov == 'on' else s.B


def adam(G, s, o):
    """Bias-corrected Adam direction mhat / (sqrt(vhat) + eps), eps outside the root."""
    s.m = o.beta1 * s.m + (1 - o.beta1) * G
    s.v = o.beta2 * s.v + (1 - o.beta2) * G ** 2
    return s.m / (1 - o.beta1 ** s.t) / (np.sqrt(s.v / (1 - o.beta2 ** s.t)) + o.eps)


def shampoo(G, s, b, gap):
    """What SOAP does after a step: L = b L + (1-b) G G^T, R = b R + (1-b) G^T G.  The first time
    P and Q become their eigenbases; when gap divides t-1, the columns of P are sorted by
    diag(P^T L P), descending, the rows of v with them, and P = qr(L P); the same for Q, R and v's
    columns."""
    s.L = b * s.L + (1 - b) * G @ G.T
    s.R = b * s.R + (1 - b) * G.T @ G
    if s.t == 1:
        s.P, s.Q = (np.linalg.eigh(A)[1][:, ::-1] for A in (s.L, s.R))
    elif (s.t - 1) % gap == 0:
        left = np.argsort(-np.diag(s.P.T @ s.L @ s.P), kind='stable')
        right = np.argsort(-np.diag(s.Q.T @ s.R @ s.Q), kind='stable')
        s.v = s.v[left][:, right]
        s.P, s.Q = orth(s.L @ s.P[:, left]), orth(s.R @ s.Q[:, right])


# -- state and options --------------------------------------------------------------------------

class State:
    """What a method remembers of a block; a name never written reads as zero.

    The driver sets W, the 1-based step t, the Philox stream of that step, keep = 1 - lr*wd and
    after = False: a method may change the last two.
    """

    def __getattr__(self, name):
        return 0.0


class Options(dict):
    """Options by name: o.ns_steps is o['ns-steps']."""

    def __getattr__(self, name):
        return self[name.replace('_', '-')]


# -- what cases are made of ---------------------------------------------------------------------
# (rows, cols, blocks); QKV is a fused 36 x 12 of three square blocks.

QKV = (36, 12, 3)
TINY = [(7, 3, 1), (3, 7, 1), (12, 8, 1)]
SMALL = [(4, 4, 1), (3, 7, 1), (7, 3, 1), (1, 5, 1), QKV]
LARGE = [(64, 48, 1), (48, 64, 1)]
SQUARE = [(4, 4, 1), (6, 7, 1), (7, 6, 1), QKV]     # no arbitrary null space to span

NS = {'ns-schedule': 'jordan', 'ns-steps': 5}
NEWTON_SCHULZ = {'orthogonalize': 'newton-schulz', **NS}
NO_CLIP = {'clip': 0}


def polynomial(name, steps=5):
    return {'ns-schedule': name, 'ns-steps': steps}
