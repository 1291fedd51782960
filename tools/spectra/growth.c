/* The growth of the curvature, which the isotropic curvature model needs, at a checkpoint of a run.
   A step Q = t O with O = msgn(G) turns every input by the same length, |Q z| = t |z|, so
     H(t) = L(W - t O) - L(W) + t <O, G>
   is the model's H, for one matrix and the loss L of one batch, whose gradient is G. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "optim/parts/polar.h"
#include "optim/parts/spectrum.h"
#include "tools/spectra/session.h"
#include "tools/spectra/study.h"

enum { LENGTHS = 14 };
static const double SHORTEST = 1. / 512;
static const double VISIBLE = 1e-5; /* smaller H are rounding errors of the loss */

typedef struct {
  char from[OPTION_TEXT];
} GrowthOptions;

static const Option options[] = {
    {.name = "from", .help = "Run or checkpoint to start from",
     .type = OPTION_WORD, .at = offsetof(GrowthOptions, from), .fallback = ""},
    {0},
};

/* A matrix and Muon's step of it. */
typedef struct {
  int64_t n;
  float *w, *before, *O; /* (n): weights, as they were, and msgn(G) */
  double along;          /* <O, G> */
} Move;

/* The weights of a matrix, which lie as its gradient does. */
static float *weights_of(const Session *s, const SessionMatrix *m) {
  const Param *p = s->model->params;
  while (m->g < p->g || m->g >= p->g + param_size(p)) p++;
  return p->w + (m->g - p->g);
}

static int move_make(Move *move, const Session *s, const SessionMatrix *m, Err *err) {
  static const Polar exact = {.way = BY_SVD};
  PolarWork work;
  Scratch scratch = {0};
  polar_layout(&work, &scratch, m->rows, m->cols, &exact);
  void *memory = scratch_allocate(&scratch);
  if (!memory) return fail(err, "no memory to orthogonalize a matrix");
  polar_layout(&work, &scratch, m->rows, m->cols, &exact);
  *move = (Move){.n = m->rows * m->cols, .w = weights_of(s, m)};
  move->before = memory_take((size_t)move->n, sizeof(float));
  move->O = memory_take((size_t)move->n, sizeof(float));
  memcpy(move->before, move->w, (size_t)move->n * sizeof(float));
  memcpy(move->O, m->g, (size_t)move->n * sizeof(float));
  polar_factor(move->O, m->rows, m->cols, &exact, &work);
  move->along = dot(move->O, m->g, move->n);
  free(memory);
  return 0;
}

static void move_by(Move *move, double t) {
  for (int64_t i = 0; i < move->n; i++)
    move->w[i] = (float)((double)move->before[i] - t * (double)move->O[i]);
}

/* H(t) of matrices that move together. */
static void measure(Session *s, Move *moves, int count, const Batch *batch, Curve *growth,
                    Curve *exponent) {
  double start = gpt2_loss(s->model, batch), last = NAN;
  for (int k = 0; k < LENGTHS; k++) {
    double t = ldexp(SHORTEST, k), along = 0;
    for (int i = 0; i < count; i++) move_by(&moves[i], t), along += moves[i].along;
    double H = gpt2_loss(s->model, batch) - start + t * along;
    if (H > VISIBLE) growth->y[k] = H;
    if (last > VISIBLE && H > VISIBLE) exponent->y[k] = log2(H / last);
    last = H;
  }
  for (int i = 0; i < count; i++) move_by(&moves[i], 0);
}

static void name_rows(Sheet *s) {
  s->digits = 3, s->rows = LENGTHS;
  for (int k = 0; k < LENGTHS; k++) {
    s->x[k] = ldexp(SHORTEST, k);
    snprintf(s->names[k], sizeof s->names[k], "%.3g", s->x[k]);
  }
}

static void draw_curve(Figure *f, const Curve *c) {
  Series *series = figure_add(f, SERIES_CURVE, c->look, LENGTHS, c->label);
  series->n = 0;
  for (int k = 0; k < LENGTHS; k++) {
    if (isnan(c->y[k])) continue;
    series->x[series->n] = ldexp(SHORTEST, k);
    series->y[series->n++] = c->y[k];
  }
}

static int results(const Sheet *growth, const Sheet *exponent, const char *about,
                   const Output *out, Err *err) {
  char title[300];
  Table csv = table_make("matrix|length|H|exponent");
  for (int i = 0; i < growth->curves; i++)
    for (int k = 0; k < LENGTHS; k++)
      table_add(&csv, "%s|%.6g|%.6g|%.6g", growth->curve[i].label, growth->x[k],
                growth->curve[i].y[k], exponent->curve[i].y[k]);
  out->say("\nH(t) = L(W - t O) - L(W) + t <O, G>, O = msgn(G), of %s", about);
  sheet_show(growth, "t", out);
  out->say("\nIts exponent, log2(H(t) / H(t/2)); 2: constant curvature");
  sheet_show(exponent, "t", out);
  snprintf(title, sizeof title, "Growth of the curvature, %s", about);
  Figure f = figure_make(title, "length t of the step t msgn(G)", "exponent of the growth");
  snprintf(f.caption, sizeof f.caption,
           "log2(H(t) / H(t/2)): how fast the loss of a batch departs from its linear model along "
           "Muon's step, each matrix alone and all together. 2: constant curvature; a wall, before "
           "which Muon's step is the best, would be far above.");
  f.x_scale = SCALE_LOG, f.line = 2;
  for (int i = 0; i < exponent->curves; i++) draw_curve(&f, &exponent->curve[i]);
  return out->csv(out, "growth", &csv, err) || out->figure(out, "growth", &f, err) ? -1 : 0;
}

/* Each matrix of the middle block alone, and all matrices together. */
static int run_at(Session *s, const GrowthOptions *o, const Output *out, Err *err) {
  static Sheet growth, exponent;
  Batch batch;
  double norm;
  char about[240];
  SessionMatrix *matrices;
  growth = exponent = (Sheet){0};
  name_rows(&growth), name_rows(&exponent);
  if (session_gradient(s, s->from + 1, &norm, err) ||
      data_batch(s->data, s->from, 0, s->rows, &batch, err))
    return -1;
  int count = session_matrices(s, &matrices), status = 0;
  Move *moves = memory_take((size_t)count, sizeof *moves);
  for (int i = 0; i < count && status == 0; i++) {
    Look look = palette_nth(growth.curves);
    out->progress(matrices[i].name, (double)i / count);
    status = move_make(&moves[i], s, &matrices[i], err);
    if (status || matrices[i].layer != s->model->size.L / 2) continue;
    Curve *h = sheet_curve(&growth, matrices[i].name, &look);
    measure(s, &moves[i], 1, &batch, h, sheet_curve(&exponent, matrices[i].name, &look));
  }
  if (status == 0) {
    Look look = palette_nth(6);
    Curve *h = sheet_curve(&growth, "all together", &look);
    measure(s, moves, count, &batch, h, sheet_curve(&exponent, "all together", &look));
  }
  out->progress("", 1);
  for (int i = 0; i < count; i++) free(moves[i].before), free(moves[i].O);
  free(moves), free(matrices);
  snprintf(about, sizeof about, "%.120s, step %lld", o->from, (long long)s->from);
  return status ? -1 : results(&growth, &exponent, about, out, err);
}

static int run(const void *with, const Output *out, Err *err) {
  const GrowthOptions *o = with;
  Session s;
  if (!*o->from)
    return fail(err, "--from is required: name a run, such as tools/spectrum growth --from "
                     "runs/muon-nano");
  int status = session_open(&s, o->from, err);
  if (status == 0 && s.rows < s.config.run.batch)
    status = fail(err, "%s: its batch of %lld sequences is in parts of %lld (--micro-batch): growth "
                       "needs it whole", o->from, (long long)s.config.run.batch,
                  (long long)s.rows);
  if (status == 0) status = run_at(&s, o, out, err);
  session_close(&s);
  return status;
}

const Study study_growth = {"growth", "how fast the loss grows along Muon's step", options,
                            sizeof(GrowthOptions), run};
