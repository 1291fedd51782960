/* The identities that tie the family together: two methods, set so that their equations are the
   same, take the same steps. Each identity also has a setting that ends it, and must then fail. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"
#include "run/config.h"
#include "tests/check.h"
#include "tests/problem.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

enum { STEPS = 6, SETTLE = 150 };

static Err err;

static const Shape shapes[] = {
    {4, 4, 1, 1, 1, ROLE_MATRIX},   {3, 7, 1, 1, 1, ROLE_MATRIX},   {7, 3, 1, 1, 1, ROLE_MATRIX},
    {64, 48, 1, 1, 1, ROLE_MATRIX}, {48, 64, 1, 1, 1, ROLE_MATRIX}, {24, 8, 3, 6, 1, ROLE_MATRIX},
    {13, 5, 1, 1, 1, ROLE_EMBEDDING}, {1, 6, 1, 1, 1, ROLE_VECTOR}};

/* ---- gradients ---- */

/* All but the first are of norm 1. */
typedef enum {
  RANDOM,
  UNIT,           /* random too */
  ONE_SPACE,      /* random in the same space of the long side's vectors at each step */
  TWO_DIMENSIONS, /* the same with a space of two dimensions */
  CONSTANT,       /* at each step the same, with well separated singular values */
  TURNING,        /* the same until SETTLE, then -4 times that: now the momentum matters */
  AXES_FIRST,     /* the first with the unit vectors as its singular vectors, then random */
  EQUAL_ROWS,     /* random, with rows of one length */
  SIGNS,          /* random signs of one number */
} Gradients;

static void fill_random(float *g, int64_t n, uint64_t stream) {
  for (int64_t i = 0; i < n; i++) g[i] = check_value(stream, (uint64_t)i);
}

/* F A with a fixed F (long side, d) and A (d, short side); its transpose for a wide G. A's diagonal
   is large, to stay away from singular matrices. */
static void fill_in_space(float *G, int64_t rows, int64_t cols, int64_t d, uint64_t fixed,
                          uint64_t stream) {
  int64_t s = rows < cols ? rows : cols;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) {
      int64_t at_long = rows < cols ? j : i, at_short = rows < cols ? i : j;
      double sum = 0;
      for (int64_t k = 0; k < d; k++) {
        double A = (double)check_value(stream, (uint64_t)(k * s + at_short));
        sum += (double)check_value(fixed, (uint64_t)(at_long * d + k)) *
               (k == at_short ? A + 3 * sqrt((double)s) : A);
      }
      G[i * cols + j] = (float)sum;
    }
}

/* Entry (i,k) of the reflection I - 2 v v^T / |v|^2 with v = 1, 2, ..., n. */
static double reflection(int64_t n, int64_t i, int64_t k) {
  double square = (double)(n * (n + 1) * (2 * n + 1)) / 6;
  return (i == k) - 2 * (double)((i + 1) * (k + 1)) / square;
}

/* H diag(s) H'^T with reflections H and H', s from 1 down to 0.05. */
static void fill_constant(float *G, int64_t rows, int64_t cols) {
  int64_t n = rows < cols ? rows : cols;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) {
      double sum = 0;
      for (int64_t k = 0; k < n; k++)
        sum += pow(0.05, n > 1 ? (double)k / (double)(n - 1) : 0) * reflection(rows, i, k) *
               reflection(cols, j, k);
      G[i * cols + j] = (float)sum;
    }
}

/* The gradient (rows,cols) of one block at step t. */
static void fill(float *g, int64_t rows, int64_t cols, Gradients kind, int64_t t, uint64_t block) {
  uint64_t stream = 10000 + 100 * (uint64_t)t + block, fixed = 10000 + block;
  int64_t n = rows * cols, two = rows > 1 && cols > 1 ? 2 : 1;
  fill_random(g, n, stream);
  if (kind == TWO_DIMENSIONS) fill_in_space(g, rows, cols, two, fixed, stream);
  if (kind == CONSTANT || kind == TURNING) fill_constant(g, rows, cols);
  if (kind == ONE_SPACE && rows != cols)
    fill_in_space(g, rows, cols, rows < cols ? rows : cols, fixed, stream);
  if (kind == AXES_FIRST && t == 1)
    for (int64_t i = 0; i < n; i++)
      g[i] = i / cols == i % cols ? 1 + (float)(i / cols) / (float)rows : 0;
  for (int64_t i = 0; i < rows && kind == EQUAL_ROWS; i++)
    scale_numbers(g + i * cols, cols, 1, 1 / frobenius_norm(g + i * cols, cols));
  for (int64_t i = 0; i < n && kind == SIGNS; i++) g[i] = g[i] < 0 ? -1 : 1;
  float scale = (float)(1 / frobenius_norm(g, n));
  if (kind == TURNING && t > SETTLE) scale *= -4;
  for (int64_t i = 0; i < n && kind != RANDOM; i++) g[i] *= scale;
}

static void set_gradients(Problem *p, Gradients kind, int64_t t) {
  if ((kind == CONSTANT || kind == TURNING) && t != 1 && t != SETTLE + 1) return;
  for (int i = 0; i < p->count; i++) {
    const Param *q = &p->params[i];
    int64_t rows = q->rows / q->blocks;
    for (int b = 0; b < q->blocks; b++)
      fill(q->g + b * rows * q->cols, rows, q->cols, kind, t, (uint64_t)(4 * i + b));
  }
}

/* ---- the identities ---- */

/* Of the matrices: all, not square, not tall, tall, square, 4 x 4. */
typedef enum { ALL, LONG, WIDE, TALL, SQUARE, FOURS } Which;

typedef struct {
  const char *a, *a_settings, *b, *b_settings;
  const char *breaks;  /* settings of a that end the identity */
  int bits;            /* the same arithmetic: no weight differs at all */
  Gradients gradients;
  Which which;
  int64_t settle;            /* steps at a rate of zero before the first */
  int64_t late;              /* gradients that b does not see: its step 1 is the next */
  double (*rate)(int64_t t); /* of b at step t where a's is 1; NULL: one schedule for both */
} Identity;

static double inverse_root(int64_t t) { return 1 / sqrt((double)t); }
static double geometric_sum(int64_t t) { return 1 - pow(0.9, (double)t); }
static double one_plus_sum(int64_t t) { return 1 + geometric_sum(t); }
static double constant(int64_t t) { return t > 0; }

/* On each weight, relative to the largest change of its array: a rounding error of 2^-24 times what
   a polar factor makes of it: 485 = 3.4445^5 by Jordan's steps, the condition number, which is
   smaller here, by the exact one. Measured with five cores of OpenBLAS: 5.3e-6 at most. */
static const double TOLERANCE = 485 * 0x1p-24;

#define SVD "orthogonalize=svd "
#define ADAM "beta1=0.9 beta2=0.95 eps=1e-20 "

static const Identity identities[] = {
    /* Low-rank orthogonalization of full rank is orthogonalization, and so is one of the rank that
       the matrix has. */
    {"low-rank-muon", "rank=1000 inner=svd", "muon", SVD, .breaks = "rank=2"},
    {"low-rank-muon", "rank=1000 inner=svd construction=gaussian", "muon", SVD,
     .breaks = "rank=2"},
    {"low-rank-muon", "rank=1000 inner=svd construction=power", "muon", SVD, .breaks = "rank=2"},
    {"low-rank-muon", "rank=1000 rank-compensation=on", "muon", "", .breaks = "rank=2"},
    {"low-rank-muon", "full-below=1000", "muon", "", .breaks = "full-below=0 rank=2", .bits = 1},
    {"low-rank-muon", "rank=2 inner=svd", "muon", SVD, .breaks = "rank=1",
     .gradients = TWO_DIMENSIONS},
    {"low-rank-muon", "rank=2 inner=svd construction=gaussian", "muon", SVD, .breaks = "rank=1",
     .gradients = TWO_DIMENSIONS},
    {"low-rank-muon", "rank=2 inner=svd construction=power", "muon", SVD, .breaks = "rank=1",
     .gradients = TWO_DIMENSIONS},
    {"low-rank-msgd", "rank=1000 inner=svd", "msgd", SVD, .breaks = "rank=2"},
    {"low-rank-msgd", "rank=2", "low-rank-muon", "rank=2 momentum=0", .breaks = "rank=1",
     .bits = 1},

    /* Without momentum, or where it points the same way at each step. */
    {"msgd", "", "muon", "momentum=0", .breaks = "shape-scale=old", .bits = 1},
    {"msgd", "", "muon", "momentum=0 nesterov=off", .breaks = "shape-scale=old", .bits = 1},
    {"msgd", SVD, "muon", SVD, .breaks = "shape-scale=old", .gradients = CONSTANT},
    {"orthogonal-sgdm", "momentum=0 decay=decoupled", "msgd", SVD "shape-scale=none",
     .breaks = "momentum=0.5", .bits = 1},
    {"orthogonal-sgdm", "momentum=0", "orthogonal-sgdm", "momentum=0 decay=decoupled",
     .breaks = "momentum=0.5"},
    {"orthogonal-sgdm", SVD "momentum=0.9 lr=0.1 weight-decay=0", "msgd",
     SVD "shape-scale=none weight-decay=0", .breaks = "momentum=0.8", .gradients = CONSTANT,
     .rate = geometric_sum},

    /* The heavy ball is 1 / (1 - mu) times the average, which msgn does not see. */
    {"root", "quantile=1", "muon", "shape-scale=rms", .breaks = "quantile=0.9"},
    {"root", "quantile=1 nesterov=off", "muon", "shape-scale=rms nesterov=off",
     .breaks = "momentum=0.9"},
    {"dion2", SVD "fraction=1 shape-scale=kj", "muon", SVD "nesterov=off",
     .breaks = "fraction=0.5"},
    {"dion2", "fraction=1", "muon", "ns-schedule=dion shape-scale=spectral nesterov=off",
     .breaks = "momentum=0.9"},

    /* SUMO where its subspace holds all of the gradients: nothing is outside, and a new basis of it
       changes nothing. On square matrices of full rank that is so for any gradient. Its limiter
       never acts. */
    {"sumo", "rank=1000 update-gap=1 gamma=1e30 shape-scale=kj", "muon", SVD "nesterov=off",
     .breaks = "momentum=0.9", .gradients = ONE_SPACE},
    {"sumo", "rank=1000 update-gap=1 shape-scale=kj form=v2", "muon", SVD "nesterov=off",
     .breaks = "rank=2", .gradients = ONE_SPACE},
    {"sumo", "rank=2 update-gap=1 shape-scale=kj", "muon", SVD "nesterov=off", .breaks = "rank=1",
     .gradients = TWO_DIMENSIONS},
    {"sumo", "rank=2 update-gap=1", "sumo", "rank=2 update-gap=1000", .breaks = "momentum=0.5",
     .gradients = TWO_DIMENSIONS},
    {"sumo", "rank=2", "sumo", "rank=2 gamma=1e30", .breaks = "gamma=0.5", .bits = 1},

    /* Balls of norms. */
    {"trust-region", "", "muon", "nesterov=off shape-scale=none", .breaks = "alpha=0.1"},
    {"trust-region", SVD "norm=rms radius=2 weight-decay=0", "muon",
     SVD "nesterov=off shape-scale=spectral lr=2 weight-decay=0", .breaks = "radius=1"},
    {"trust-region", "norm=sign embedding-norm=sign vector-norm=sign", "lion",
     "beta1=0.95 beta2=0.95", .breaks = "alpha=0.1"},
    {"trust-region", "norm=frobenius embedding-norm=frobenius vector-norm=frobenius alpha=1", "sgd",
     "momentum=0", .breaks = "alpha=0.9", .gradients = UNIT},
    /* A small decay in the minimized function is none; without momentum nothing is ahead. */
    {"trust-region", SVD "decay=composite weight-decay=1e-7", "trust-region", SVD "weight-decay=0",
     .breaks = "weight-decay=0.5"},
    {"trust-region", "extrapolate=on alpha=1", "trust-region", "alpha=1", .breaks = "alpha=0.5"},
    {"muon", SVD "spectral-power=1 nesterov=off shape-scale=none lr=0.5 weight-decay=0",
     "trust-region", "norm=frobenius lr=1 weight-decay=0", .breaks = "spectral-power=0.5",
     .gradients = CONSTANT, .which = FOURS},
    {"scion", "form=unconstrained radius=2 head-radius=10", "trust-region",
     "norm=rms embedding-norm=sign radius=2 alpha=0.1", .breaks = "head-radius=9"},
    {"scion", "form=unconstrained radius=1 head-norm=adamw", "muon",
     "momentum=0.9 nesterov=off shape-scale=spectral", .breaks = "alpha=0.2"},
    {"scion", "lr=0.1", "scion", "lr=0.1 form=unconstrained weight-decay=1",
     .breaks = "radius=40", .bits = 1},

    {"clipped-scion", "rho=1e-30 radius=2 head-radius=8", "scion",
     "form=unconstrained radius=2 head-radius=8", .breaks = "rho=1e6"},

    /* AdaGO's rate: lr / sqrt(t) on gradients of one norm, clipped or not; lr |g| / v0 for a large
       v0; eps where that is larger. */
    {"adago", "eps=0 v0=1e-30 weight-decay=0", "muon",
     "nesterov=off shape-scale=none weight-decay=0", .breaks = "v0=1", .gradients = UNIT,
     .rate = inverse_root},
    {"adago", "eps=0 v0=1e-30 gamma=0.5 weight-decay=0", "muon",
     "nesterov=off shape-scale=none weight-decay=0", .breaks = "v0=1", .gradients = UNIT,
     .rate = inverse_root},
    {"adago", "eps=0 v0=1e6 lr=1e6 weight-decay=0", "muon",
     "nesterov=off shape-scale=none weight-decay=0", .breaks = "gamma=0.5", .gradients = UNIT},
    {"adago", "eps=2 lr=0.5 weight-decay=0", "muon",
     "lr=2 nesterov=off shape-scale=none weight-decay=0", .breaks = "eps=0", .gradients = UNIT,
     .rate = constant},

    /* The rows of an orthogonal matrix that is not tall have one size: nothing to bring about. */
    {"normuon", SVD "shape-scale=kj nesterov=on", "muon", SVD, .breaks = "nesterov=off",
     .which = WIDE},
    {"contra-muon", "contra=0 floor=0", "normuon", "", .breaks = "contra=0.2", .which = TALL},

    /* Rows of one length, or a second moment of one number, change no direction; nor does Aurora
       where there is no longer side. */
    {"muoneq", "momentum=0", "muon", "momentum=0", .breaks = "equalize=columns",
     .gradients = EQUAL_ROWS},
    {"muon2", "", "muon", "", .breaks = "momentum=0.9", .gradients = SIGNS},
    {"aurora", "", "muon", "", .breaks = "momentum=0.9", .bits = 1, .which = SQUARE},
    {"aurora", "iterations=1", "muoneq", "eps=1e-30", .breaks = "iterations=2", .which = TALL},
    {"aurora", "damping=0", "aurora", "iterations=1", .breaks = "damping=0.5", .bits = 1},

    /* Dion's power iteration converges to the singular vectors of a gradient that stays. */
    {"dion", "rank-fraction=1 shape-scale=kj", "muon", SVD "nesterov=off",
     .breaks = "rank-fraction=0.5", .gradients = CONSTANT, .settle = SETTLE},
    {"dion", "rank-fraction=1 shape-scale=kj", "muon", SVD "nesterov=off",
     .breaks = "momentum=0.9", .gradients = TURNING, .settle = SETTLE},

    /* Adam in another basis is Adam where that basis is the unit vectors; and two methods that
       choose the same basis are one. */
    {"galore", ADAM "rank=1000 scale=1 weight-decay=0", "adamw",
     ADAM "scope=matrices weight-decay=0", .breaks = "rank=2", .gradients = AXES_FIRST},
    {"adadiag", ADAM, "adamw", ADAM "scope=matrices", .breaks = "beta1=0.8",
     .gradients = AXES_FIRST},
    {"adadiag", ADAM "form=two-sided", "adamw", ADAM "scope=matrices", .breaks = "beta2=0.9",
     .gradients = AXES_FIRST},
    {"soap", ADAM "update-gap=1000 weight-decay=0", "adamw", ADAM "scope=matrices weight-decay=0",
     .breaks = "beta1=0.8", .gradients = AXES_FIRST, .late = 1},
    {"galore", ADAM "rank=1000 scale=1 weight-decay=0", "adadiag", ADAM "weight-decay=0",
     .breaks = "rank=2", .which = LONG},
    /* SOAP makes no step of the first gradient, and its eps is added before the bias correction: so
       without a step there, and without averages. */
    {"soap", "beta1=0 beta2=0 eps=0.1 update-gap=1000 weight-decay=0", "adadiag",
     "beta1=0 beta2=0 eps=0.1 form=two-sided weight-decay=0", .breaks = "update-gap=2",
     .settle = 1},
    {"adamw", "", "adamw", "scope=matrices aux-lr=1", .breaks = "beta1=0.8", .bits = 1},

    /* A preconditioner that is nearly one number changes nothing. Without momentum it does not
       matter what is averaged. */
    {"soap-muon", SVD "eps=1e20", "muon", SVD, .breaks = "eps=1e-8", .which = LONG},
    {"soap-muon", "eps=1e20 update-gap=2 nesterov=off", "muon", "ns-schedule=track3 nesterov=off",
     .breaks = "eps=1e-8", .which = LONG},
    {"polargrad", "momentum=0 polar-first=on", "polargrad", "momentum=0", .breaks = "momentum=0.9",
     .bits = 1},

    /* AdamW's relatives without what they add, and a slow average that is as fast as the other but
       for its bias correction. A norm of 1, as rounded, may be above 1 for MARS. */
    {"ademamix", "alpha=0 beta2=0.95", "adamw", "", .breaks = "alpha=8 beta3=0.9", .bits = 1},
    {"ademamix", "alpha=1 beta3=0.9 beta2=0.95 weight-decay=0", "adamw", "weight-decay=0",
     .breaks = "beta3=0.99", .rate = one_plus_sum},
    {"mars", "gamma=0 beta1=0.9 beta2=0.95 aux-lr=1", "adamw", "", .breaks = "gamma=1",
     .gradients = UNIT},
};

/* The auxiliary AdamW's parameters too, unless their steps differ. */
static int concerns(const Identity *id, const Shape *s) {
  if ((id->rate || id->late) && s->role != ROLE_MATRIX) return 0;
  int64_t rows = s->rows / s->blocks, cols = s->cols;
  switch (id->which) {
    case LONG: return rows != cols;
    case WIDE: return rows <= cols;
    case TALL: return rows > cols;
    case SQUARE: return rows == cols;
    case FOURS: return s->rows == 4 && cols == 4;
    default: return 1;
  }
}

/* Options "name=value name=value" of the method or the harness. */
static void configure(Problem *p, const char *settings) {
  char name[40], value[40];
  int used;
  for (const char *at = settings; sscanf(at, " %39[^=]=%39s%n", name, value, &used) == 2;
       at += used) {
    const Option *own = option_find(p->method->options, name);
    const Option *row = own ? own : config_option(name);
    check(row && option_set(row, own ? p->options : (void *)&p->common, value, "test", &err) == 0,
          "%s: %s=%s", p->method->name, name, value);
  }
}

/* Half of an identity, after its steps. To be freed. */
static Problem take_steps(const char *method, const char *settings, const char *more,
                          const Identity *id, double (*rate)(int64_t t), int64_t late) {
  Problem p = problem_make(optimizer_find(method, &err), shapes, COUNT(shapes));
  p.common.lr = 1; /* so that rounding of the weights is small beside their change */
  configure(&p, settings);
  configure(&p, more);
  problem_start(&p);
  for (int64_t t = 1; t <= id->settle + STEPS; t++) {
    double schedule = id->rate ? 1 : 1 - (double)(t - id->settle) / 20;
    set_gradients(&p, id->gradients, t);
    if (t <= late) continue;
    optimizer_step(p.state, t - late, t <= id->settle ? 0 : rate ? rate(t) : schedule);
  }
  return p;
}

/* The largest difference of a weight of array i, relative to the array's largest change. */
static double difference(const Problem *a, const Problem *b, int i) {
  double most = 0, off = 0;
  for (int64_t j = 0; j < param_size(&a->params[i]); j++) {
    double w = (double)b->params[i].w[j], away = fabs((double)a->params[i].w[j] - w);
    off = away > off || isnan(away) ? away : off; /* a NaN stays */
    most = fmax(most, fabs(w - (double)problem_weight(i, j)));
  }
  return off / most;
}

/* The same of weights that started at 0. */
static double difference_of(const Problem *a, const Problem *b, int i) {
  double most = 0, off = 0;
  for (int64_t j = 0; j < param_size(&a->params[i]); j++) {
    double w = (double)b->params[i].w[j];
    off = fmax(off, fabs((double)a->params[i].w[j] - w));
    most = fmax(most, fabs(w));
  }
  return off / most;
}

static void test_identity(const Identity *id) {
  Problem b = take_steps(id->b, id->b_settings, "", id, id->rate, id->late);
  Problem a = take_steps(id->a, id->a_settings, "", id, NULL, 0);
  Problem breaks = take_steps(id->a, id->a_settings, id->breaks, id, NULL, 0);
  double worst = 0, apart = 0;
  for (int i = 0; i < COUNT(shapes); i++) {
    if (!concerns(id, &shapes[i])) continue;
    double off = difference(&a, &b, i);
    check(off <= (id->bits ? 0 : TOLERANCE), "%s %s is not %s %s: %lld x %lld is off by %.2g",
          id->a, id->a_settings, id->b, id->b_settings, (long long)shapes[i].rows,
          (long long)shapes[i].cols, off);
    worst = fmax(worst, off);
    apart = fmax(apart, difference(&breaks, &b, i));
  }
  check(apart > 1e-2, "%s %s %s is %s %s: off by %.2g only", id->a, id->a_settings, id->breaks,
        id->b, id->b_settings, apart);
  printf("  off by %7.1e, by %7.1e with %s: %s %s = %s %s\n", worst, apart, id->breaks, id->a,
         id->a_settings, id->b, id->b_settings);
  problem_free(&a), problem_free(&b), problem_free(&breaks);
}

/* The heavy ball is the sum of mu^(t-i) g_i; Nesterov's Z adds g to mu of it; the average's Z is
   1 - mu times the heavy ball's. */
static void test_momentum_forms(int nesterov) {
  enum { N = 50 };
  static const double mu = 0.95;
  float average[N] = {0}, ball[N] = {0}, z[N], y[N], g[N];
  double sum[N] = {0};
  for (uint64_t t = 1; t <= STEPS; t++) {
    fill_random(g, N, t);
    momentum_ema(z, average, g, N, mu, nesterov);
    momentum_heavy_ball(y, ball, g, N, mu, nesterov);
    double off = 0, apart = 0;
    for (int i = 0; i < N; i++) {
      sum[i] = mu * sum[i] + (double)g[i];
      off = fmax(off, fabs((double)y[i] - (nesterov ? (double)g[i] + mu * sum[i] : sum[i])));
      apart = fmax(apart, fabs((1 - mu) * (double)y[i] - (double)z[i]));
    }
    check(off <= 1e-5, "heavy ball, nesterov %d, step %d: off by %.2g", nesterov, (int)t, off);
    check(apart <= 1e-6, "heavy ball and average, nesterov %d, step %d: %.2g apart", nesterov,
          (int)t, apart);
  }
}

/* ---- the size of a step ---- */

/* The third step from zero weights at rate 1: minus the method's direction. To be freed. */
static Problem third_step(const char *method, const char *settings) {
  Problem p = problem_make(optimizer_find(method, &err), shapes, COUNT(shapes));
  p.common.lr = 1;
  configure(&p, settings);
  problem_start(&p);
  for (int t = 1; t <= 3; t++) {
    for (int i = 0; i < p.count; i++)
      memset(p.params[i].w, 0, (size_t)param_size(&p.params[i]) * sizeof(float));
    set_gradients(&p, RANDOM, t);
    optimizer_step(p.state, t, 1);
  }
  return p;
}

/* The singular values of M (rows,cols), for the caller to free. */
static double *singular_values(const float *M, int64_t rows, int64_t cols) {
  int64_t s = rows < cols ? rows : cols;
  SingularWork work;
  Scratch scratch = {0};
  singular_layout(&work, &scratch, s);
  void *memory = scratch_allocate(&scratch);
  singular_layout(&work, &scratch, s);
  singular_basis(M, rows, cols, rows > cols ? RIGHT : LEFT, &work);
  double *values = malloc((size_t)s * sizeof *values);
  memcpy(values, work.values, (size_t)s * sizeof *values);
  free(memory);
  return values;
}

/* Of a direction's singular values `rank` are 1 (all, when there are fewer) and the others 0. */
static void test_rank(const char *method, const char *settings, int64_t rank) {
  Problem p = third_step(method, settings);
  for (int i = 0; i < p.count; i++) {
    const Param *q = &p.params[i];
    if (q->role != ROLE_MATRIX || q->blocks > 1) continue;
    int64_t s = q->rows < q->cols ? q->rows : q->cols;
    double off = 0, *values = singular_values(q->w, q->rows, q->cols);
    for (int64_t k = 0; k < s; k++) off = fmax(off, fabs(values[k] - (k < rank)));
    check(off <= 1e-5, "%s %s: singular values of a step of %lld x %lld are off by %.2g", method,
          settings, (long long)q->rows, (long long)q->cols, off);
    free(values);
  }
  problem_free(&p);
}

/* The sum of the singular values of M (rows,cols). */
static double nuclear_norm(const float *M, int64_t rows, int64_t cols) {
  double norm = 0, *values = singular_values(M, rows, cols);
  for (int64_t k = 0; k < rows && k < cols; k++) norm += values[k];
  free(values);
  return norm;
}

/* PolarGrad's step is Muon's times the nuclear norm of the momentum. */
static void test_nuclear_norm(void) {
  Problem a = third_step("polargrad", SVD), m = third_step("sgd", "momentum=0");
  Problem b = third_step("muon", SVD "nesterov=off shape-scale=none");
  for (int i = 0; i < a.count; i++) {
    const Param *q = &a.params[i];
    int64_t size = param_size(q);
    if (q->role != ROLE_MATRIX || q->blocks > 1) continue;
    float *momentum = calloc((size_t)size, sizeof *momentum);
    for (int t = 1; t <= 3; t++) {
      set_gradients(&m, RANDOM, t);
      momentum_ema(m.params[i].w, momentum, m.params[i].g, size, 0.95, 0);
    }
    scale_numbers(b.params[i].w, size, 1, nuclear_norm(momentum, q->rows, q->cols));
    double off = difference_of(&a, &b, i);
    check(off <= 1e-5, "polargrad: a step of %lld x %lld is off by %.2g from the nuclear norm",
          (long long)q->rows, (long long)q->cols, off);
    free(momentum);
  }
  problem_free(&a), problem_free(&b), problem_free(&m);
}

/* A gradient that is 4 times as large makes a step 4 times as large, or the same one. */
static void test_scaling(const char *method, const char *settings, double times) {
  Problem p[2];
  for (int k = 0; k < 2; k++) {
    p[k] = problem_make(optimizer_find(method, &err), shapes, COUNT(shapes));
    configure(&p[k], "lr=1 weight-decay=0");
    configure(&p[k], settings);
    problem_start(&p[k]);
    for (int t = 1; t <= 3; t++) {
      set_gradients(&p[k], UNIT, t);
      for (int i = 0; i < p[k].count; i++)
        scale_numbers(p[k].params[i].g, param_size(&p[k].params[i]), 1, k ? 4 : 1);
      optimizer_step(p[k].state, t, 1);
    }
  }
  for (int i = 0; i < p[0].count; i++) {
    if (p[0].params[i].role != ROLE_MATRIX) continue;
    for (int64_t j = 0; j < param_size(&p[0].params[i]); j++)
      for (int k = 0; k < 2; k++)
        p[k].params[i].w[j] = (p[k].params[i].w[j] - problem_weight(i, j)) / (k ? (float)times : 1);
    double off = difference_of(&p[1], &p[0], i);
    check(off <= 1e-3, "%s: a gradient times 4 is not a step times %g: off by %.2g", method, times,
          off);
  }
  problem_free(&p[0]), problem_free(&p[1]);
}

/* Where Schedule-Free takes gradients at z (beta1 0), z makes AdamW's steps without momentum; x is
   their mean with the squares of the rates as weights, and so is y where beta1 is 1. */
static void test_averaged_weights(const char *beta1, int evaluated) {
  Problem a = problem_make(optimizer_find("schedule-free", &err), shapes, COUNT(shapes));
  Problem b = problem_make(optimizer_find("adamw", &err), shapes, COUNT(shapes));
  Problem mean = problem_make(b.method, shapes, COUNT(shapes));
  double sum = 0, off = 0, apart = 0;
  configure(&a, "lr=1 weight-decay=0"), configure(&a, beta1);
  configure(&b, "lr=1 weight-decay=0 beta1=0 beta2=0.999");
  problem_start(&a), problem_start(&b);
  for (int t = 1; t <= STEPS; t++) {
    double rate = fmin(1, t / 4.0), part = rate * rate / (sum += rate * rate);
    set_gradients(&a, RANDOM, t), set_gradients(&b, RANDOM, t);
    optimizer_step(a.state, t, rate), optimizer_step(b.state, t, rate);
    for (int i = 0; i < a.count; i++)
      for (int64_t j = 0; j < param_size(&a.params[i]); j++)
        mean.params[i].w[j] += (float)part * (b.params[i].w[j] - mean.params[i].w[j]);
  }
  for (int k = 1; k >= 0; k--) { /* the evaluated weights, then back */
    optimizer_weights(a.state, k);
    for (int i = 0; i < a.count && k == evaluated; i++) off = fmax(off, difference(&a, &mean, i));
    for (int i = 0; i < a.count && k == 0; i++) apart = fmax(apart, difference(&a, &b, i));
  }
  check(off <= 1e-6, "schedule-free %s: off by %.2g from the mean of AdamW's weights", beta1, off);
  check((strcmp(beta1, "beta1=0") == 0) == (apart <= 1e-6),
        "schedule-free %s: the weights of the next gradient are %.2g from AdamW's", beta1, apart);
  problem_free(&a), problem_free(&b), problem_free(&mean);
}

/* The root mean square of each line of n numbers is `want`. */
static double line_error(const float *x, int64_t lines, int64_t between, int64_t n, int64_t stride,
                         double want) {
  double off = 0;
  for (int64_t i = 0; i < lines; i++) {
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += pow((double)x[i * between + j * stride], 2);
    off = fmax(off, fabs(sqrt(sum / (double)n) / want - 1));
  }
  return off;
}

/* In the chosen norm, the size of a step is the radius. */
static void test_ball(const char *norm) {
  char settings[120];
  snprintf(settings, sizeof settings, "norm=%s embedding-norm=%s vector-norm=%s radius=3", norm,
           norm, norm);
  Problem p = third_step("trust-region", settings);
  for (int i = 0; i < p.count; i++) {
    const Param *q = &p.params[i];
    int64_t m = q->rows, n = q->cols, size = m * n;
    double off = strcmp(norm, "sign") == 0     ? line_error(q->w, size, 1, 1, 1, 3)
                 : strcmp(norm, "row") == 0    ? line_error(q->w, m, n, n, 1, 3)
                 : strcmp(norm, "column") == 0 ? line_error(q->w, n, 1, m, n, 3)
                                               : line_error(q->w, q->blocks, size / q->blocks,
                                                            size / q->blocks, 1,
                                                            3 / sqrt((double)(size / q->blocks)));
    check(off <= 1e-6, "trust-region, norm %s: a step of %lld x %lld is off by %.2g", norm,
          (long long)m, (long long)n, off);
  }
  problem_free(&p);
}

/* A vector's step has RMS 1 times the radius, though it is stored as a row. */
static void test_vector_ball(void) {
  Problem p = third_step("trust-region", "vector-norm=rms radius=3");
  for (int i = 0; i < p.count; i++) {
    const Param *q = &p.params[i];
    if (q->role != ROLE_VECTOR) continue;
    double off = line_error(q->w, q->rows, q->cols, q->cols, 1, 3);
    check(off <= 1e-6, "trust-region, vector-norm rms: a step is off by %.2g", off);
  }
  problem_free(&p);
}

/* ---- gradients of few directions, or few entries ---- */

static const Shape tall = {128, 64, 1, 1, 1, ROLE_MATRIX};

/* One matrix with weights 0, a rate of 1 and no decay. To be freed. */
static void begin(Problem *p, const char *method, const char *settings) {
  *p = problem_make(optimizer_find(method, &err), &tall, 1);
  p->common.lr = 1;
  p->common.weight_decay = 0;
  configure(p, settings);
  problem_start(p);
  memset(p->params[0].w, 0, (size_t)param_size(&p->params[0]) * sizeof(float));
}

/* Of rank one: what the other directions hold is rounding errors, of which no step is made. */
static void test_dion_rank_one(void) {
  Problem p;
  begin(&p, "dion", "rank-fraction=0.5 shape-scale=none");
  problem_run(&p, RANK_ONE, 1, 1);
  double length = frobenius_norm(p.params[0].w, param_size(&p.params[0]));
  check(fabs(length - 1) <= 1e-3, "dion: a step of rank one has norm %.6g", length);
  problem_free(&p);
}

/* A momentum of zero has no direction: nothing moves, and the basis stays as it was. */
static void test_dion_zero_momentum(void) {
  Problem late, other;
  begin(&late, "dion", "");
  begin(&other, "dion", "");
  problem_run(&late, ZERO, 1, 2);
  double moved = frobenius_norm(late.params[0].w, param_size(&late.params[0]));
  check(moved == 0, "dion: moved by %.6g without a gradient", moved);
  problem_run(&late, NOISE, 3, 5);
  problem_run(&other, NOISE, 3, 5);
  check(problem_same_weights(&late, &other), "dion: steps without a gradient change later ones");
  problem_free(&late), problem_free(&other);
}

/* In its own basis most entries of a gradient are rounding errors: Adam's bound holds there too. */
static void test_soap_own_basis(void) {
  Problem p;
  begin(&p, "soap", "");
  problem_gradients(&p, NOISE, 1);
  for (int t = 1; t <= 2; t++) optimizer_step(p.state, t, 1);
  int64_t size = param_size(&p.params[0]);
  double length = frobenius_norm(p.params[0].w, size), bound = sqrt((double)size);
  check(length <= 1.001 * bound && length > 0.5,
        "soap: a first step of norm %.6g, Adam's are below %.6g", length, bound);
  problem_free(&p);
}

/* The first gradient gives the bases and nothing else: no decay, no moments. */
static void test_soap_first_gradient(void) {
  Problem p;
  begin(&p, "soap", "weight-decay=0.5");
  int64_t size = param_size(&p.params[0]), changed = 0;
  for (int64_t i = 0; i < size; i++) p.params[0].w[i] = 1;
  problem_run(&p, NOISE, 1, 1);
  for (int64_t i = 0; i < size; i++) changed += p.params[0].w[i] != 1;
  check(changed == 0, "soap: the first gradient changes %lld weights", (long long)changed);
  problem_run(&p, ZERO, 2, 2);
  for (int64_t i = 0; i < size; i++) changed += p.params[0].w[i] != 0.5f;
  check(changed == 0, "soap: %lld weights of the second step are not decay alone",
        (long long)changed);
  problem_run(&p, NOISE, 3, 3);
  for (int64_t i = 0; i < size; i++) changed += fabsf(p.params[0].w[i] - 0.25f) > 0.01f;
  check(changed > size / 2, "soap: the third step moves %lld weights only", (long long)changed);
  problem_free(&p);
}

/* Where the quantile is 0 the few entries that are not still make a step. */
static void test_root_few_entries(void) {
  Problem p;
  begin(&p, "root", "shape-scale=none");
  problem_run(&p, ONE_ENTRY, 1, 1);
  double length = frobenius_norm(p.params[0].w, param_size(&p.params[0]));
  check(length > 0.5, "root: the step of a single entry has norm %.6g", length);
  problem_free(&p);
}

int main(void) {
  threads_start(1);
  for (int i = 0; i < COUNT(identities); i++) test_identity(&identities[i]);
  test_momentum_forms(0);
  test_momentum_forms(1);
  test_rank("msgd", SVD "shape-scale=none", 1000);
  test_rank("trust-region", SVD, 1000);
  test_rank("low-rank-muon", "rank=2 inner=svd shape-scale=none", 2);
  test_rank("low-rank-muon", "rank=3 inner=svd shape-scale=none construction=gaussian", 3);
  test_rank("low-rank-msgd", "rank=5 inner=svd shape-scale=none construction=power", 5);
  test_rank("sumo", "form=v1 rank=2 shape-scale=none", 2);
  test_rank("sumo", "form=v1 rank=30 shape-scale=none update-gap=2", 30);
  test_rank("muoneq", SVD "shape-scale=none equalize=both", 1000);
  test_rank("muon2", SVD "shape-scale=none", 1000);
  test_rank("aurora", SVD "shape-scale=none iterations=3", 1000);
  test_nuclear_norm();
  test_scaling("polargrad", SVD, 4);
  test_scaling("muon", SVD, 1);
  test_scaling("clipped-scion", SVD "rho=1e6 lr=1e6", 4);
  test_scaling("clipped-scion", SVD "rho=1e-6", 1);
  test_scaling("soap-muon", SVD "eps=1e-20", 1);
  test_averaged_weights("beta1=0", 1);
  test_averaged_weights("beta1=1", 1);
  test_averaged_weights("beta1=1", 0);
  test_ball("frobenius");
  test_ball("sign");
  test_ball("row");
  test_ball("column");
  test_vector_ball();
  test_dion_rank_one();
  test_dion_zero_momentum();
  test_soap_own_basis();
  test_soap_first_gradient();
  test_root_few_entries();
  return check_report("family");
}
