#include "tools/measure/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/precision.h"
#include "core/quantile.h"
#include "core/random.h"
#include "optim/gradient.h"
#include "tools/measure/measure.h"

/* ---- a model, an optimizer with default options, and one batch of random tokens ---- */

typedef struct {
  GPT2 *model;
  Subject subject;
  int32_t *tokens;
  Batch batch;
} Trainer;

typedef struct {
  double forward, backward, norm, optimizer;
} StepSeconds;

static void random_batch(Trainer *t, int64_t B) {
  const ModelOptions *size = &t->model->size;
  int64_t n = B * size->context;
  Random random = random_stream(1, RANDOM_TEST, 0, 0);
  t->tokens = memory_take((size_t)n + 1, sizeof *t->tokens);
  for (int64_t i = 0; i <= n; i++)
    t->tokens[i] = (int32_t)random_below(&random, (uint32_t)size->V);
  t->batch = (Batch){.x = t->tokens, .y = t->tokens + 1, .B = B, .T = size->context};
}

static StepSeconds trainer_step(Trainer *t) {
  GPT2 *m = t->model;
  StepSeconds s = {0};
  m->times = (PassTimes){0};
  gpt2_loss_gradient(m, &t->batch, 1.0 / (double)(t->batch.B * t->batch.T), 0);
  gpt2_backward(m);
  s.forward = pass_seconds(m->times.forward);
  s.backward = pass_seconds(m->times.backward);
  double last = clock_seconds();
  gradient_norm(m->params, m->param_count);
  clock_lap(&last, &s.norm);
  s.optimizer = subject_seconds(&t->subject);
  return s;
}

static void trainer_close(Trainer *t) {
  subject_close(&t->subject);
  gpt2_close(t->model);
  free(t->tokens);
}

/* Takes the first step too, which touches all memory. */
static int trainer_open(Trainer *t, const BenchCase *c, const Optimizer *method, Err *err) {
  ModelOptions size = c->size;
  if (size.init_sd == 0) size.init_sd = 0.02; /* the cases of the table do not name it */
  *t = (Trainer){0};
  if (gpt2_open(&t->model, &size, c->B, 1, err) ||
      subject_open(&t->subject, method, "", t->model, err)) {
    trainer_close(t);
    return -1;
  }
  gpt2_init(t->model, 1);
  random_batch(t, c->B);
  trainer_step(t);
  return 0;
}

static double trainer_flops(const Trainer *t) {
  return (double)(t->batch.B * t->batch.T) * gpt2_train_flops(t->model, t->batch.T);
}

static double trainer_bytes(const Trainer *t) {
  const GPT2 *m = t->model;
  return 2 * (double)m->weight_bytes + (double)m->activation_bytes +
         (double)optimizer_state_bytes(t->subject.state) +
         (double)optimizer_scratch_bytes(t->subject.state);
}

/* ---- whole steps ---- */

/* Measurements of a round; fractions are of the ceiling before and after the round's step. */
enum { STEP, OPTIMIZER, CEILING, WHOLE, OF_FORWARD, OF_BACKWARD, MEASURES };

void bench_step_header(void) {
  printf("%-22s %8s %8s | %7s %7s %6s | %7s %8s %12s | %8s %9s\n", "whole training steps",
         "tokens/s", "GFLOP/s", "forward", "backwd", "optim", "ceiling", "fraction", "middle half",
         "optim ms", "memory MB");
}

static void print_line(const char *name, const Trainer *t, double measured[][ROUNDS_MAX],
                       int rounds) {
  double m[MEASURES], flops = trainer_flops(t), tokens = (double)(t->batch.B * t->batch.T);
  for (int k = 0; k < MEASURES; k++) m[k] = quantile(measured[k], rounds, 0.5);
  printf("%-22s %8.0f %8.1f | %6.1f%% %6.1f%% %5.1f%% | %7.1f %7.1f%% %5.1f-%4.1f%% | "
         "%8.1f %9.0f\n",
         name, tokens / m[STEP], flops / m[STEP] / 1e9, 100 * m[OF_FORWARD], 100 * m[OF_BACKWARD],
         100 * m[OPTIMIZER] / m[STEP], m[CEILING] / 1e9, 100 * m[WHOLE],
         100 * quantile(measured[WHOLE], rounds, 0.25),
         100 * quantile(measured[WHOLE], rounds, 0.75),
         1e3 * m[OPTIMIZER], trainer_bytes(t) / 1e6);
  fflush(stdout);
}

int bench_step(const BenchCase *c, const Optimizer *method, Err *err) {
  Trainer t;
  ProductShape shapes[5];
  double measured[MEASURES][ROUNDS_MAX];
  if (trainer_open(&t, c, method, err)) return -1;
  int count = product_shapes(&c->size, c->B * c->size.context, shapes);
  double flops = trainer_flops(&t), before = sgemm_ceiling(shapes, count);
  for (int i = 0; i < c->rounds; i++) {
    StepSeconds s = trainer_step(&t);
    double optimizer = s.norm + s.optimizer, step = s.forward + s.backward + optimizer;
    double after = sgemm_ceiling(shapes, count), beside = (before + after) / 2;
    const double values[MEASURES] = {
        [STEP] = step,
        [OPTIMIZER] = optimizer,
        [CEILING] = after,
        [WHOLE] = flops / step / beside,
        [OF_FORWARD] = flops / 3 / s.forward / beside,
        [OF_BACKWARD] = flops * 2 / 3 / s.backward / beside,
    };
    for (int k = 0; k < MEASURES; k++) measured[k][i] = values[k];
    before = after;
  }
  print_line(c->name, &t, measured, c->rounds);
  trainer_close(&t);
  return 0;
}

/* ---- precisions in turn ---- */

enum { PRECISIONS_COUNT = PRECISION_BF16X3 + 1, MUON_ROUNDS = 3 };
/* Measurements of a round for each precision. */
typedef struct {
  double step[ROUNDS_MAX], ceiling[ROUNDS_MAX], muon[ROUNDS_MAX];
} PrecisionTimes;

static void measure_precision(Trainer *t, Subject *muon, const ProductShape *shapes, int count,
                              PrecisionTimes *times, int round) {
  StepSeconds s = trainer_step(t);
  times->step[round] = s.forward + s.backward + s.norm + s.optimizer;
  times->ceiling[round] = sgemm_ceiling(shapes, count);
  if (round < MUON_ROUNDS) times->muon[round] = subject_seconds(muon);
}

static double median_ratio(const double *a, const double *b, int rounds) {
  double ratio[ROUNDS_MAX];
  for (int i = 0; i < rounds; i++) ratio[i] = a[i] / b[i];
  return quantile(ratio, rounds, 0.5);
}

static void print_precisions(const BenchCase *c, const Trainer *t, PrecisionTimes *times,
                             int rounds) {
  int few = rounds < MUON_ROUNDS ? rounds : MUON_ROUNDS;
  double tokens = (double)(t->batch.B * t->batch.T), flops = trainer_flops(t);
  printf("\n%-22s %8s %7s %8s %8s %9s %10s %7s\n", c->name, "tokens/s", "ratio", "GFLOP/s",
         "ceiling", "fraction", "muon, ms", "ratio");
  for (int p = 0; p < PRECISIONS_COUNT; p++) {
    const PrecisionTimes *x = &times[p];
    char name[32];
    double step = quantile(x->step, rounds, 0.5), ceiling = quantile(x->ceiling, rounds, 0.5);
    word_at(PRECISIONS(CHOICE_WORD), p, name, sizeof name);
    printf("  %-20s %8.0f %7.2f %8.1f %8.1f %8.1f%% %10.1f %7.2f\n", name, tokens / step,
           median_ratio(times[0].step, x->step, rounds), flops / step / 1e9, ceiling / 1e9,
           100 * flops / step / ceiling, 1e3 * quantile(x->muon, few, 0.5),
           median_ratio(times[0].muon, x->muon, few));
  }
  fflush(stdout);
}

int bench_precision(const BenchCase *c, const Optimizer *method, Err *err) {
  extern const Optimizer muon;
  Trainer t;
  Subject other = {.state = NULL};
  ProductShape shapes[5];
  PrecisionTimes *times = memory_take(PRECISIONS_COUNT, sizeof *times);
  int count = product_shapes(&c->size, c->B * c->size.context, shapes);
  int status = trainer_open(&t, c, method, err), rounds = (c->rounds + 1) / 2;
  if (status == 0) status = subject_open(&other, &muon, "", t.model, err);
  if (status == 0) subject_seconds(&other);
  Precision before = precision_now();
  for (int i = 0; i < rounds && status == 0; i++)
    for (int p = 0; p < PRECISIONS_COUNT; p++) {
      precision_set((Precision)p);
      measure_precision(&t, &other, shapes, count, &times[p], i);
    }
  precision_set(before);
  if (status == 0) {
    print_precisions(c, &t, times, rounds);
    subject_close(&other);
    trainer_close(&t);
  }
  free(times);
  return status;
}

/* ---- the parts of a step ---- */

typedef struct {
  const char *name;
  double flops, bytes; /* what limits the part: one of them, or neither */
} Part;

/* Forward and backward of each part of a pass, then what follows them. */
enum { FORWARD, BACKWARD = PASS_PARTS, NORM = 2 * PASS_PARTS, UPDATE, PARTS };

static void list_parts(const Trainer *t, const Optimizer *method, Part *parts) {
  const GPT2 *m = t->model;
  double n = (double)(t->batch.B * t->batch.T), T = (double)t->batch.T, C = (double)m->size.C;
  double L = (double)m->size.L, V = (double)m->size.V, f = sizeof(real);
  double linear = 2 * 12 * L * n * C * C, attention = 2 * L * n * T * C, head = 2 * n * C * V;
  double gelu = 2 * f * L * n * 4 * C, norms = 2 * L + 1, weights = (double)gpt2_weights(m);
  const Part all[PARTS] = {
      [FORWARD + PASS_LINEAR] = {"linear layers, forward", .flops = linear},
      [FORWARD + PASS_HEAD] = {"head, forward", .flops = head},
      [FORWARD + PASS_ATTENTION] = {"attention, forward", .flops = attention},
      [FORWARD + PASS_SOFTMAX] = {"softmax, cross-entropy", .bytes = 2 * f * n * V},
      [FORWARD + PASS_GELU] = {"GELU, forward", .bytes = gelu},
      [FORWARD + PASS_NORM] = {"LayerNorm, forward", .bytes = 2 * f * norms * n * C},
      [FORWARD + PASS_EMBEDDING] = {"embedding, forward", .bytes = 3 * f * n * C},
      [BACKWARD + PASS_LINEAR] = {"linear layers, backward", .flops = 2 * linear},
      [BACKWARD + PASS_HEAD] = {"head, backward", .flops = 2 * head},
      [BACKWARD + PASS_ATTENTION] = {"attention, backward", .flops = 2 * attention},
      [BACKWARD + PASS_GELU] = {"GELU, backward", .bytes = 2 * gelu},
      [BACKWARD + PASS_NORM] = {"LayerNorm, backward", .bytes = 6 * f * norms * n * C},
      [BACKWARD + PASS_EMBEDDING] = {"embedding, backward", .bytes = 5 * f * n * C},
      [NORM] = {"norm of the gradient", .bytes = f * weights},
      [UPDATE] = {method->name, .bytes = method->elementwise ? 7 * f * weights : 0},
  };
  memcpy(parts, all, sizeof all);
}

static void print_part(const Part *p, double seconds, double step, double ceiling, double copy) {
  double limit = p->flops > 0 ? ceiling : copy, rate = (p->flops + p->bytes) / seconds;
  printf("  %-24s %9.2f %7.1f%%", p->name, 1e3 * seconds, 100 * seconds / step);
  if (p->flops + p->bytes > 0)
    printf(" %9.1f %-7s %8.1f %8.0f%%", rate / 1e9, p->flops > 0 ? "GFLOP/s" : "GB/s",
           limit / 1e9, 100 * rate / limit);
  printf("\n");
}

static void print_parts(const BenchCase *c, const Part *parts, double times[][ROUNDS_MAX],
                        double step, double ceiling, double copy) {
  double products = 0;
  printf("\n%-26s %9s %8s %9s %16s %9s\n", c->name, "ms", "share", "achieved", "limit",
         "of limit");
  for (int i = 0; i < PARTS; i++) {
    if (!parts[i].name) continue;
    double seconds = quantile(times[i], c->rounds, 0.5);
    if (parts[i].flops > 0) products += seconds;
    print_part(&parts[i], seconds, step, ceiling, copy);
  }
  printf("  %-24s %9.2f %7.1f%%\n", "all but matrix products", 1e3 * (step - products),
         100 * (step - products) / step);
  printf("  %-24s %9.2f\n", "whole step", 1e3 * step);
  fflush(stdout);
}

int bench_parts(const BenchCase *c, const Optimizer *method, Err *err) {
  Trainer t;
  Part parts[PARTS];
  ProductShape shapes[5];
  double times[PARTS][ROUNDS_MAX], steps[ROUNDS_MAX], ceilings[ROUNDS_MAX], copies[ROUNDS_MAX];
  if (trainer_open(&t, c, method, err)) return -1;
  list_parts(&t, method, parts);
  int count = product_shapes(&c->size, c->B * c->size.context, shapes);
  for (int i = 0; i < c->rounds; i++) {
    double start = clock_seconds();
    StepSeconds s = trainer_step(&t);
    steps[i] = clock_seconds() - start;
    for (int k = 0; k < PASS_PARTS; k++) {
      times[FORWARD + k][i] = t.model->times.forward[k];
      times[BACKWARD + k][i] = t.model->times.backward[k];
    }
    times[NORM][i] = s.norm;
    times[UPDATE][i] = s.optimizer;
    ceilings[i] = sgemm_ceiling(shapes, count);
    copies[i] = copy_bandwidth();
  }
  print_parts(c, parts, times, quantile(steps, c->rounds, 0.5), quantile(ceilings, c->rounds, 0.5),
              quantile(copies, c->rounds, 0.5));
  trainer_close(&t);
  return 0;
}
