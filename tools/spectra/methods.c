/* Every method for the polar factor on matrices with known singular values: error against time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/clock.h"
#include "core/int64.h"
#include "core/lapack.h"
#include "optim/parts/low_rank.h"
#include "tools/measure/measure.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { SHAPES = 8, SPECTRA = 4, RANKS = 16, WAYS_MAX = 256 };

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

#define SPECTRUM_KINDS(X) X(GAUSSIAN, "gaussian") X(POWER, "power") X(STEEP, "steep")
enum { SPECTRUM_KINDS(CHOICE_NAME) };

/* ---- the matrix ---- */

static const Polar svd = {.way = BY_SVD};

/* X = U diag(sigma) V^T with ||X||_F = 1 and known U V^T. */
typedef struct {
  int64_t rows, cols, s, l;
  double *sigma;               /* (s) */
  float *X, *polar, *result;   /* (rows,cols) */
  float *U, *V;                /* (rows,s), (cols,s) with orthonormal columns */
  QrWork qr;
  NewtonSchulzWork ns;
  PolarWork polar_work;
  LowRankWork low;
} Problem;

/* The phases use the same memory. */
static void layout(Problem *p, Scratch *s) {
  const LowRank low = {.rank = p->s, .construction = BY_POWER, .inner = INNER_SVD};
  p->sigma = scratch_doubles(s, p->s);
  p->X = scratch_floats(s, p->rows * p->cols);
  p->polar = scratch_floats(s, p->rows * p->cols);
  p->result = scratch_floats(s, p->rows * p->cols);
  Scratch phase[4] = {*s, *s, *s, *s};
  p->U = scratch_floats(&phase[0], p->rows * p->s);
  p->V = scratch_floats(&phase[0], p->cols * p->s);
  qr_layout(&p->qr, &phase[0], p->s);
  newton_schulz_layout(&p->ns, &phase[1], p->rows, p->cols);
  polar_layout(&p->polar_work, &phase[2], p->rows, p->cols, &svd);
  low_rank_layout(&p->low, &phase[3], p->rows, p->cols, &low);
  for (int i = 0; i < 4; i++) scratch_join(s, &phase[i]);
}

static void fill_sigma(const Problem *p, int spectrum) {
  double sum = 0, g = (double)p->s / (double)p->l;
  for (int64_t i = 0; i < p->s; i++) {
    double nth = (double)i + 1;
    p->sigma[i] = spectrum == GAUSSIAN ? law_quantile(g, 1 - (nth - 0.5) / (double)p->s)
                  : spectrum == POWER  ? 1 / nth
                                       : 1 / (nth * nth);
    sum += p->sigma[i] * p->sigma[i];
  }
  for (int64_t i = 0; i < p->s; i++) p->sigma[i] /= sqrt(sum);
}

static void random_basis(float *Q, int64_t rows, const Problem *p, uint64_t seed, uint32_t index) {
  Random random = random_stream(seed, RANDOM_TEST, index, 0);
  random_normals(&random, Q, rows * p->s);
  orthonormal_columns(Q, rows, p->s, &p->qr);
}

static void fill(const Problem *p, int spectrum, uint64_t seed) {
  int64_t rows = p->rows, cols = p->cols, s = p->s;
  fill_sigma(p, spectrum);
  random_basis(p->U, rows, p, seed, 1);
  random_basis(p->V, cols, p, seed, 2);
  gemm(PLAIN, TRANSPOSED, rows, cols, s, 1, p->U, s, p->V, s, 0, p->polar, cols);
  for (int64_t i = 0; i < rows * s; i++) p->U[i] *= (float)p->sigma[i % s];
  gemm(PLAIN, TRANSPOSED, rows, cols, s, 1, p->U, s, p->V, s, 0, p->X, cols);
}

/* ---- the methods ---- */

/* Newton-Schulz if it has steps, low rank if it has a rank, else a singular value decomposition. */
typedef struct {
  char group[40]; /* a curve of the figure */
  Look look;
  int64_t steps, rank;
  int schedule, direct, construction;
  double error, captured, seconds, flops;
} Way;

typedef struct {
  Way ways[WAYS_MAX];
  int count;
} Ways;

static void add_way(Ways *w, const char *group, Look look, Way way) {
  if (w->count == WAYS_MAX) return;
  way.look = look;
  snprintf(way.group, sizeof way.group, "%s", group);
  w->ways[w->count++] = way;
}

/* Every schedule with 3, 4, ... steps; more than its own number only where it converges. */
static void list_schedules(Ways *w, int64_t most, int gram_form) {
  for (int i = 0; i < NS_SCHEDULE_COUNT; i++) {
    int64_t own = schedule_steps(i);
    int64_t last = i == NS_TRACK3 || i == NS_CONVERGED ? own : most;
    const char *name = schedule_name(i);
    for (int64_t steps = i == NS_CONVERGED ? own : 3; steps <= last; steps++) {
      Way way = {.steps = steps, .schedule = i};
      add_way(w, name, palette_schedule(name), way);
      if (!gram_form || steps != own || i == NS_CONVERGED) continue;
      char direct[40];
      snprintf(direct, sizeof direct, "%s, no Gram", name);
      way.direct = 1;
      add_way(w, direct, palette_schedule(name), way);
    }
  }
  add_way(w, "svd", palette_nth(6), (Way){0});
}

static void list_ranks(Ways *w, const int64_t *per_cent, int count, int64_t s) {
  static const int constructions[] = {BY_COLUMNS, BY_GAUSSIAN, BY_POWER};
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < count; i++) {
      char name[40];
      Look look = palette_nth(7);
      look.dash = c + 1;
      word_at(CONSTRUCTIONS(CHOICE_WORD), constructions[c], name, sizeof name);
      add_way(w, name, look, (Way){.rank = i64_max(1, (s * per_cent[i] + 50) / 100),
                                   .construction = constructions[c]});
    }
}

/* Sets p->result from p->X; returns the FLOPs. */
static double apply(const Way *way, const Problem *p) {
  const LowRank low = {.rank = way->rank, .power_iterations = 1, .inner = INNER_SVD,
                       .construction = way->construction};
  NewtonSchulzPlan plan = newton_schulz_plan(&(NewtonSchulz){way->schedule, way->steps});
  Random random = random_stream(3, RANDOM_TEST, 0, 0);
  plan.direct |= way->direct;
  memcpy(p->result, p->X, (size_t)(p->rows * p->cols) * sizeof *p->X);
  if (way->steps) newton_schulz(p->result, p->rows, p->cols, &plan, &p->ns);
  else if (way->rank) low_rank_factor(p->result, p->rows, p->cols, &low, &random, &p->low);
  else polar_factor(p->result, p->rows, p->cols, &svd, &p->polar_work);
  return way->steps  ? newton_schulz_flops(p->rows, p->cols, &plan)
         : way->rank ? low_rank_flops(p->rows, p->cols, &low)
                     : polar_flops(p->rows, p->cols, &svd);
}

/* error: ||result - U V^T||_F / ||U V^T||_F; captured: <result, X> / (sum of singular values), the
   part of the steepest descent in the spectral norm that the result has (1 for U V^T itself). */
static void judge(Way *way, const Problem *p) {
  double off = 0, along = 0, sum = 0;
  for (int64_t i = 0; i < p->rows * p->cols; i++) {
    double d = (double)p->result[i] - (double)p->polar[i];
    off += d * d;
    along += (double)p->result[i] * (double)p->X[i];
  }
  for (int64_t i = 0; i < p->s; i++) sum += p->sigma[i];
  way->error = sqrt(off / (double)p->s);
  way->captured = along / sum;
}

/* Each round has all methods, so that noise of the machine affects all of them, and the sgemm
   ceiling in FLOP/s, which is returned. */
static double measure(Ways *w, const Problem *p, int rounds, const Output *out) {
  double ceiling = 0;
  const ProductShape square = {p->l, p->s, p->s, 1};
  for (int n = 0; n < rounds * w->count; n++) {
    Way *way = &w->ways[n % w->count];
    out->progress(way->group, (double)n / (rounds * w->count));
    if (n % w->count == 0) ceiling = fmax(ceiling, sgemm_ceiling(&square, 1));
    double start = clock_seconds();
    way->flops = apply(way, p);
    double seconds = clock_seconds() - start;
    if (n < w->count) judge(way, p);
    way->seconds = n < w->count ? seconds : fmin(way->seconds, seconds);
  }
  out->progress("", 1);
  return ceiling;
}

/* ---- results ---- */

static int is_best(const Ways *w, const Way *way) {
  for (const Way *b = w->ways; b < w->ways + w->count; b++)
    if (b->seconds < way->seconds && b->error <= way->error) return 0;
  return 1;
}

static int table_of(const Ways *w, double ceiling, const char *name, const Output *out, Err *err) {
  Table t = table_make("way|steps|rank|error|captured|ms|GFLOP/s|of ceiling|best");
  for (const Way *way = w->ways; way < w->ways + w->count; way++) {
    double rate = way->flops / way->seconds;
    table_add(&t, "%s|%.0f|%.0f|%.2e|%.4f|%.2f|%.1f|%.0f %%|%s", way->group,
              way->steps ? (double)way->steps : NAN, way->rank ? (double)way->rank : NAN,
              way->error, way->captured, 1e3 * way->seconds, rate / 1e9, 100 * rate / ceiling,
              is_best(w, way) ? "*" : "");
  }
  out->say("%s; the sgemm ceiling is %.0f GFLOP/s on %d threads; *: nothing measured is both "
           "faster and more exact", name, ceiling / 1e9, threads_count());
  out->show(&t);
  return out->csv(out, name, &t, err);
}

static int is_drawn(const Way *way, int captured) {
  return word_index("cubic|dion|classical|you", way->group) < 0 && !way->direct &&
         (captured || !way->rank);
}

/* A curve per group: the error of methods for the whole polar factor, or what every method
   captures. */
static int draw(const Ways *w, const char *name, const char *about, int captured,
                const Output *out, Err *err) {
  char title[256], file[128];
  snprintf(title, sizeof title, "%s, %s", captured ? "Low-rank and full polar factors"
                                                   : "Methods for the polar factor", about);
  snprintf(file, sizeof file, "%s%s", name, captured ? "-captured" : "");
  Figure f = figure_make(title, "milliseconds", captured ? "share of the steepest descent captured"
                                                         : "relative error of the polar factor");
  snprintf(f.caption, sizeof f.caption, "%s", captured
           ? "Further up takes more of the descent that the exact polar factor (1) takes; further "
             "left is cheaper. Low rank pays if few singular values dominate the matrix."
           : "Further down is more exact, further left is cheaper; each symbol of a curve is "
             "one more step. Muon does not need an exact factor: Jordan's five steps, at the top, "
             "are its default.");
  f.x_scale = SCALE_LOG;
  f.y_scale = captured ? SCALE_LINEAR : SCALE_LOG;
  for (int i = 0; i < w->count; i++) {
    const Way *first = &w->ways[i];
    int seen = !is_drawn(first, captured), n = 0;
    for (int k = 0; k < i; k++) seen |= strcmp(w->ways[k].group, first->group) == 0;
    if (seen) continue;
    Series *s = figure_add(&f, SERIES_CURVE, first->look, w->count, first->group);
    for (int k = i; k < w->count; k++) {
      if (strcmp(w->ways[k].group, first->group) != 0) continue;
      s->x[n] = 1e3 * w->ways[k].seconds;
      s->y[n] = captured ? w->ways[k].captured : fmax(w->ways[k].error, 1e-9);
      f.x_min = fmin(f.x_min, s->x[n] / 1.1); /* fmin and fmax ignore NaN */
      f.x_max = fmax(f.x_max, s->x[n++] * 1.1);
    }
    s->n = n;
  }
  return out->figure(out, file, &f, err);
}

static int one(Problem p, int spectrum, const int64_t *ranks, int rank_count,
               const MethodsOptions *o, const Output *out, Err *err) {
  static Ways ways;
  char word[32], about[128], name[96];
  Scratch scratch = {0};
  word_at(SPECTRUM_KINDS(CHOICE_WORD), spectrum, word, sizeof word);
  snprintf(name, sizeof name, "methods-%lldx%lld-%s", (long long)p.rows, (long long)p.cols, word);
  snprintf(about, sizeof about, "%lld x %lld, %s spectrum", (long long)p.rows, (long long)p.cols,
           word);
  layout(&p, &scratch);
  out->say("\n%s: %.0f MB of memory", about, (double)scratch.used / 1e6);
  void *memory = scratch_allocate(&scratch);
  if (!memory) return fail(err, "no memory for a matrix of %s", about);
  layout(&p, &scratch);
  fill(&p, spectrum, (uint64_t)out->seed);
  ways.count = 0;
  list_schedules(&ways, o->steps, 2 * p.l >= 3 * p.s);
  list_ranks(&ways, ranks, rank_count, p.s);
  double ceiling = measure(&ways, &p, (int)o->rounds, out);
  free(memory);
  return table_of(&ways, ceiling, name, out, err) || draw(&ways, name, about, 0, out, err) ||
         draw(&ways, name, about, 1, out, err);
}

static int run(const void *with, const Output *out, Err *err) {
  const MethodsOptions *o = with;
  int64_t shapes[2 * SHAPES], ranks[RANKS];
  int spectra[SPECTRA];
  int count = read_list("shapes", o->shapes, 2, 2, 16384, shapes, SHAPES, err);
  int kinds = count < 0 ? -1 : read_words("spectra", o->spectra, SPECTRUM_KINDS(CHOICE_WORD),
                                          spectra, SPECTRA, err);
  int rank_count = kinds < 0 ? -1 : read_list("ranks", o->ranks, 1, 1, 100, ranks, RANKS, err);
  if (rank_count < 0) return -1;
  for (int i = 0; i < count * kinds; i++) {
    int64_t rows = shapes[i / kinds * 2], cols = shapes[i / kinds * 2 + 1];
    const Problem p = {.rows = rows, .cols = cols, .s = i64_min(rows, cols),
                       .l = i64_max(rows, cols)};
    if (one(p, spectra[i % kinds], ranks, rank_count, o, out, err)) return -1;
  }
  return 0;
}

const Study study_methods = {"methods", "error and time of every method for the polar factor",
                             options, sizeof(MethodsOptions), run};
