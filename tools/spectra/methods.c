#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/clock.h"
#include "core/int64.h"
#include "core/lapack.h"
#include "core/random.h"
#include "optim/parts/low_rank.h"
#include "tools/measure/measure.h"
#include "tools/spectra/shape.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { SHAPES = 8, WAYS_MAX = 256 };

typedef struct {
  char shapes[OPTION_TEXT], spectra[OPTION_TEXT], ranks[OPTION_TEXT];
  int64_t steps, rounds;
} MethodsOptions;

#define FIELD(member) offsetof(MethodsOptions, member)
static const Option options[] = {
    {.name = "shapes", .help = "Shapes of the matrices",
     .type = OPTION_WORD, .at = FIELD(shapes), .fallback = "768x768,3072x768"},
    {.name = "spectra",
     .help = "Singular values of the matrices: gaussian (a random matrix), power (1/i), steep "
             "(1/i^2)",
     .type = OPTION_WORD, .at = FIELD(spectra), .fallback = "gaussian,power"},
    {.name = "ranks", .help = "Ranks of the low-rank constructions, in percent of the shorter side",
     .type = OPTION_WORD, .at = FIELD(ranks), .fallback = "4,8,17,33"},
    {.name = "steps", .help = "Maximum number of Newton-Schulz steps",
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "8", .min = 1, .max = NS_STEPS_MAX},
    {.name = "rounds", .help = "Timings per method; the fastest is reported",
     .type = OPTION_INT, .at = FIELD(rounds), .fallback = "3", .min = 1, .max = ROUNDS_MAX},
    {0},
};

enum { GAUSSIAN, POWER, STEEP };
#define SPECTRUM_NAMES "gaussian|power|steep"
#define SPECTRUM_LIST "gaussian, power, steep"

/* ---- the matrices ---- */

/* X = U diag(sigma) V^T, ||X||_F = 1, so that msgn(X) = U V^T is known. */
typedef struct {
  int64_t rows, cols, s, l;
  double *sigma;     /* (s) */
  float *X, *polar;  /* (rows,cols) */
  float *result;     /* (rows,cols) */
  NewtonSchulzWork ns;
  PolarWork polar_work;
  LowRankWork low;
  void *memory;
} Problem;

static void fill_sigma(double *sigma, int64_t s, int64_t l, int spectrum) {
  double sum = 0, g = (double)s / (double)l;
  for (int64_t i = 0; i < s; i++) {
    double rank = (double)i + 1;
    sigma[i] = spectrum == GAUSSIAN ? law_quantile(g, 1 - (rank - 0.5) / (double)s)
               : spectrum == POWER  ? 1 / rank
                                    : 1 / (rank * rank);
    sum += sigma[i] * sigma[i];
  }
  for (int64_t i = 0; i < s; i++) sigma[i] /= sqrt(sum);
}

/* Every way has its turn with the same memory. */
static void layout(Problem *p, Scratch *s) {
  const Polar svd = {.way = BY_SVD};
  const LowRank low = {.rank = p->s, .construction = BY_POWER, .inner = INNER_SVD};
  p->X = scratch_floats(s, p->rows * p->cols);
  p->polar = scratch_floats(s, p->rows * p->cols);
  p->result = scratch_floats(s, p->rows * p->cols);
  p->sigma = scratch_doubles(s, p->s);
  Scratch by_steps = *s, by_svd = *s, by_rank = *s;
  newton_schulz_layout(&p->ns, &by_steps, p->rows, p->cols);
  polar_layout(&p->polar_work, &by_svd, p->rows, p->cols, &svd);
  low_rank_layout(&p->low, &by_rank, p->rows, p->cols, &low);
  scratch_join(s, &by_steps);
  scratch_join(s, &by_svd);
  scratch_join(s, &by_rank);
}

/* Random U (rows,s) and V (cols,s) with orthonormal columns. */
typedef struct {
  float *U, *V;
  QrWork qr;
} Bases;

static void bases_layout(Bases *b, Scratch *s, const Problem *p) {
  b->U = scratch_floats(s, p->rows * p->s);
  b->V = scratch_floats(s, p->cols * p->s);
  qr_layout(&b->qr, s, p->s);
}

static void random_basis(float *Q, int64_t rows, int64_t k, uint64_t seed, uint32_t index,
                         const QrWork *qr) {
  Random random = random_stream(seed, RANDOM_TEST, index, 0);
  random_normals(&random, Q, rows * k);
  orthonormal_columns(Q, rows, k, qr);
}

static void fill(Problem *p, const Bases *b, int spectrum, uint64_t seed) {
  int64_t rows = p->rows, cols = p->cols, s = p->s;
  fill_sigma(p->sigma, s, p->l, spectrum);
  random_basis(b->U, rows, s, seed, 1, &b->qr);
  random_basis(b->V, cols, s, seed, 2, &b->qr);
  gemm(PLAIN, TRANSPOSED, rows, cols, s, 1, b->U, s, b->V, s, 0, p->polar, cols);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < s; j++) b->U[i * s + j] *= (float)p->sigma[j];
  gemm(PLAIN, TRANSPOSED, rows, cols, s, 1, b->U, s, b->V, s, 0, p->X, cols);
}

static int problem_open(Problem *p, int64_t rows, int64_t cols, int spectrum, uint64_t seed,
                        Err *err) {
  Scratch scratch = {0}, other = {0};
  Bases bases;
  *p = (Problem){.rows = rows, .cols = cols, .s = i64_min(rows, cols), .l = i64_max(rows, cols)};
  layout(p, &scratch);
  printf("\n%lld x %lld: %.0f MB of memory\n", (long long)rows, (long long)cols,
         (double)scratch.used / 1e6);
  fflush(stdout);
  bases_layout(&bases, &other, p);
  void *memory = scratch_allocate(&other);
  p->memory = scratch_allocate(&scratch);
  if (p->memory && memory) {
    layout(p, &scratch);
    bases_layout(&bases, &other, p);
    fill(p, &bases, spectrum, seed);
  }
  int status = p->memory && memory ? 0 : fail(err, "no memory for a matrix of %lld x %lld",
                                              (long long)rows, (long long)cols);
  free(memory);
  return status;
}

static void problem_close(Problem *p) {
  free(p->memory);
  p->memory = NULL;
}

/* ---- the ways ---- */

typedef enum { BY_STEPS, BY_STEPS_DIRECT, BY_WHOLE, BY_RANK } WayKind;

typedef struct {
  WayKind kind;
  char group[32]; /* a curve of the figure */
  int64_t size;   /* along it: steps or rank */
  Polar polar;
  LowRank low;
  Look look;
  double error, captured, seconds, flops;
  int dominated; /* another is as exact and faster */
} Way;

typedef struct {
  Way ways[WAYS_MAX];
  int count;
} Ways;

static Way *add_way(Ways *w, WayKind kind, const char *group, int64_t size, Look look) {
  Way *way = &w->ways[w->count++];
  *way = (Way){.kind = kind, .size = size, .look = look};
  snprintf(way->group, sizeof way->group, "%s", group);
  return way;
}

/* Every schedule after 1, 2, ... steps; after more than its own number of them only where it still
   converges then. */
static void list_schedules(Ways *w, const MethodsOptions *o, int long_enough) {
  for (int i = 0; i < schedule_count(); i++) {
    NewtonSchulz own = {i, 0};
    const char *name = schedule_name(i);
    int64_t all = newton_schulz_plan(&own).steps;
    int64_t last = i == NS_TRACK3 || i == NS_CONVERGED ? all : o->steps;
    int64_t first = i == NS_CONVERGED ? last : 3;
    for (int64_t steps = first; steps <= last && w->count + 2 < WAYS_MAX; steps++) {
      Way *way = add_way(w, BY_STEPS, name, steps, palette_schedule(name));
      way->polar = (Polar){BY_NEWTON_SCHULZ, {i, steps}};
      if (!long_enough || steps != all || first == last) continue;
      char direct[32];
      snprintf(direct, sizeof direct, "%s, no Gram", name);
      way = add_way(w, BY_STEPS_DIRECT, direct, steps, palette_schedule(name));
      way->polar = (Polar){BY_NEWTON_SCHULZ, {i, steps}};
    }
  }
  Way *svd = add_way(w, BY_WHOLE, "svd", 0, palette_nth(6));
  svd->polar = (Polar){.way = BY_SVD};
}

static int list_ranks(Ways *w, const MethodsOptions *o, int64_t s, Err *err) {
  static const char *const names[] = {"columns", "gaussian", "power"};
  int64_t ranks[16];
  int count = read_numbers(o->ranks, "ranks", 1, 100, ranks, 16, err);
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < count && w->count < WAYS_MAX; i++) {
      int64_t rank = i64_max(1, (s * ranks[i] + 50) / 100);
      Way *way = add_way(w, BY_RANK, names[c], rank, palette_nth(7));
      way->look.dash = c + 1;
      way->low = (LowRank){.rank = rank, .power_iterations = 1, .construction = c,
                           .inner = INNER_SVD};
    }
  return count < 0 ? -1 : 0;
}

static void apply(const Way *way, Problem *p) {
  memcpy(p->result, p->X, (size_t)(p->rows * p->cols) * sizeof *p->X);
  Random random = random_stream(3, RANDOM_TEST, 0, 0);
  switch (way->kind) {
    case BY_STEPS:
    case BY_STEPS_DIRECT: {
      NewtonSchulzPlan plan = newton_schulz_plan(&way->polar.ns);
      plan.direct |= way->kind == BY_STEPS_DIRECT;
      newton_schulz(p->result, p->rows, p->cols, &plan, &p->ns);
      break;
    }
    case BY_RANK: low_rank_factor(p->result, p->rows, p->cols, &way->low, &random, &p->low); break;
    default: polar_factor(p->result, p->rows, p->cols, &way->polar, &p->polar_work);
  }
}

static double flops_of(const Way *way, const Problem *p) {
  if (way->kind == BY_RANK) return low_rank_flops(p->rows, p->cols, &way->low);
  if (way->kind == BY_STEPS_DIRECT) {
    NewtonSchulzPlan plan = newton_schulz_plan(&way->polar.ns);
    plan.direct = 1;
    return newton_schulz_flops(p->rows, p->cols, &plan);
  }
  return polar_flops(p->rows, p->cols, &way->polar);
}

/* error: ||result - msgn(X)||_F / ||msgn(X)||_F; captured: <result, X> / ||X||_*, the part of the
   steepest descent in the spectral norm that a step of it takes (1 for msgn itself). */
static void judge(Way *way, const Problem *p) {
  double off = 0, along = 0, nuclear = 0;
  for (int64_t i = 0; i < p->rows * p->cols; i++) {
    double d = (double)p->result[i] - (double)p->polar[i];
    off += d * d;
    along += (double)p->result[i] * (double)p->X[i];
  }
  for (int64_t i = 0; i < p->s; i++) nuclear += p->sigma[i];
  way->error = sqrt(off / (double)p->s);
  way->captured = along / nuclear;
  way->flops = flops_of(way, p);
}

/* Rounds go over all ways in turn, so that noise of the machine affects all alike; the ceiling is
   measured in the same rounds. */
static double measure(Ways *w, Problem *p, int rounds) {
  double ceiling = 0, started = clock_seconds();
  const ProductShape square = {p->l, p->s, p->s, 1};
  for (int round = 0; round < rounds; round++) {
    ceiling = fmax(ceiling, sgemm_ceiling(&square, 1));
    for (int i = 0; i < w->count; i++) {
      double start = clock_seconds();
      apply(&w->ways[i], p);
      double seconds = clock_seconds() - start;
      if (round == 0 || seconds < w->ways[i].seconds) w->ways[i].seconds = seconds;
      if (round == 0) judge(&w->ways[i], p);
      output_progress(w->ways[i].group,
                      (round + (i + 1.0) / w->count) / rounds, started);
    }
  }
  output_progress_end();
  return ceiling;
}

static void mark_dominated(Ways *w) {
  for (int i = 0; i < w->count; i++)
    for (int j = 0; j < w->count; j++) {
      const Way *a = &w->ways[i], *b = &w->ways[j];
      if (b->seconds < a->seconds && b->error <= a->error) w->ways[i].dominated = 1;
    }
}

/* ---- results ---- */

static int table_of(const Ways *w, double ceiling, const char *name, const Output *output,
                    Err *err) {
  Table t = table_make("way|steps|rank|error|captured|ms|GFLOP/s|of ceiling|best");
  for (int i = 0; i < w->count; i++) {
    const Way *way = &w->ways[i];
    table_row(&t);
    table_set(&t, 0, "%s", way->group);
    if (way->kind == BY_RANK) table_set(&t, 2, "%lld", (long long)way->size);
    else if (way->size) table_set(&t, 1, "%lld", (long long)way->size);
    table_set(&t, 3, "%.2e", way->error);
    table_set(&t, 4, "%.4f", way->captured);
    table_set(&t, 5, "%.2f", 1e3 * way->seconds);
    table_set(&t, 6, "%.1f", way->flops / way->seconds / 1e9);
    table_set(&t, 7, "%.0f %%", 100 * way->flops / way->seconds / ceiling);
    table_set(&t, 8, "%s", way->dominated ? "" : "*");
  }
  printf("%s; the sgemm ceiling is %.0f GFLOP/s on %d threads; *: nothing measured is both faster "
         "and more exact\n", name, ceiling / 1e9, threads_count());
  table_write(&t, TABLE_TEXT, stdout);
  int status = output_csv(output, name, &t, err);
  table_free(&t);
  return status;
}

/* One curve per group: error of what means to be the whole polar factor, or how much of the descent
   every way captures. */
static Figure figure_of(const Ways *w, const char *title, int captured) {
  Figure f = figure_make(title, "milliseconds",
                         captured ? "<result, X> / ||X||_*, 1 for msgn" : "relative error of msgn");
  f.x_scale = SCALE_LOG;
  f.y_scale = captured ? SCALE_LINEAR : SCALE_LOG;
  for (int i = 0; i < w->count; i++) {
    const Way *way = &w->ways[i];
    int seen = word_index("cubic|dion|classical|you", way->group) >= 0 ||
               way->kind == BY_STEPS_DIRECT || (!captured && way->kind == BY_RANK), n = 0;
    for (int k = 0; k < i; k++) seen |= strcmp(w->ways[k].group, way->group) == 0;
    if (seen) continue;
    Series *s = figure_add(&f, SERIES_CURVE, way->look, w->count, way->group);
    for (int k = i; k < w->count; k++) {
      if (strcmp(w->ways[k].group, way->group) != 0) continue;
      s->x[n] = 1e3 * w->ways[k].seconds;
      s->y[n] = captured ? w->ways[k].captured : fmax(w->ways[k].error, 1e-9);
      f.x_min = fmin(f.x_min, s->x[n] / 1.1); /* fmin and fmax ignore NaN */
      f.x_max = fmax(f.x_max, s->x[n++] * 1.1);
    }
    s->n = n;
  }
  return f;
}

static int draw(const Ways *w, const char *name, const char *title, const Output *output,
                Err *err) {
  for (int captured = 0; captured < 2; captured++) {
    char file[128];
    Figure f = figure_of(w, title, captured);
    snprintf(file, sizeof file, "%s%s", name, captured ? "-captured" : "");
    if (output_figure(output, file, &f, err)) return -1;
  }
  return 0;
}

static int one(const MethodsOptions *o, const Output *output, int64_t rows, int64_t cols,
               int spectrum, Err *err) {
  static Ways ways;
  Problem p;
  char word[32], name[96], title[160];
  word_at(SPECTRUM_NAMES, spectrum, word, sizeof word);
  snprintf(name, sizeof name, "methods-%lldx%lld-%s", (long long)rows, (long long)cols, word);
  snprintf(title, sizeof title, "Ways to the polar factor, %lld x %lld, %s spectrum",
           (long long)rows, (long long)cols, word);
  ways.count = 0;
  int status = problem_open(&p, rows, cols, spectrum, (uint64_t)output->seed, err);
  if (status == 0) {
    list_schedules(&ways, o, 2 * p.l >= 3 * p.s);
    status = list_ranks(&ways, o, p.s, err);
  }
  if (status == 0) {
    double ceiling = measure(&ways, &p, (int)o->rounds);
    mark_dominated(&ways);
    status = table_of(&ways, ceiling, name, output, err);
  }
  if (status == 0) status = draw(&ways, name, title, output, err);
  problem_close(&p);
  return status;
}

/* "gaussian,power" as numbers of SPECTRUM_NAMES. */
static int read_spectra(const char *text, int *spectra, int room, Err *err) {
  int count = 0;
  for (const char *at = text; *at && count < room; count++) {
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ","), at);
    spectra[count] = word_index(SPECTRUM_NAMES, word);
    if (spectra[count] < 0)
      return fail(err, "--spectra %s: \"%s\" is not one of " SPECTRUM_LIST, text, word);
    at += strcspn(at, ",");
    at += *at == ',';
  }
  return count > 0 ? count : fail(err, "--spectra is empty: choose from " SPECTRUM_LIST);
}

static int run(const void *with, const Output *output, Err *err) {
  const MethodsOptions *o = with;
  int64_t rows[SHAPES], cols[SHAPES], ranks[16];
  int spectra[4];
  int shapes = read_shapes(o->shapes, rows, cols, SHAPES, err);
  int kinds = shapes < 0 ? -1 : read_spectra(o->spectra, spectra, 4, err);
  if (kinds < 0 || read_numbers(o->ranks, "ranks", 1, 100, ranks, 16, err) < 0) return -1;
  for (int i = 0; i < shapes; i++)
    for (int k = 0; k < kinds; k++)
      if (one(o, output, rows[i], cols[i], spectra[k], err)) return -1;
  return 0;
}

const Study study_methods = {"methods", "accuracy against time of every way to a polar factor",
                             options, sizeof(MethodsOptions), run};
