/* The code around the methods: schedules, gradients, and the harness that splits parameters, routes
   them and manages their state. Tests: optim/harness optim/schedule optim/gradient */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "optim/adamw.h"
#include "optim/gradient.h"
#include "optim/schedule.h"
#include "tests/check.h"
#include "tests/problem.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static Err err;

/* ---- schedules ---- */

static void test_schedule(int kind, int64_t warmup, int64_t steps, double final_lr) {
  ScheduleOptions o = {.schedule = kind, .warmup = warmup, .decay_fraction = 0.6,
                       .final_lr = final_lr};
  char about[120], name[20];
  word_at(SCHEDULES(CHOICE_WORD), kind, name, sizeof name);
  snprintf(about, sizeof about, "%s, warm-up %lld of %lld steps, final-lr %g", name,
           (long long)warmup, (long long)steps, final_lr);
  double before = 2, last = schedule_at(&o, steps, steps);
  for (int64_t t = 1; t <= steps; t++) {
    double m = schedule_at(&o, t, steps);
    check(m > 0 && m <= 1, "%s: multiplier %g at step %lld", about, m, (long long)t);
    if (t <= warmup) check_near(m, (double)t / (double)warmup, 1e-15, "%s: step %lld", about,
                                (long long)t);
    else check(m <= before, "%s: rises to %g at step %lld", about, m, (long long)t);
    before = t > warmup ? m : 2;
  }
  check(last >= final_lr, "%s: ends at %g", about, last);
  if (kind == SCHEDULE_CONSTANT) check(last == 1, "%s: ends at %g", about, last);
  else if (steps >= 100) check(last <= final_lr + 0.05, "%s: ends at %g", about, last);
}

static void test_schedules(void) {
  for (int kind = SCHEDULE_CONSTANT; kind <= SCHEDULE_WSD; kind++)
    for (int last = 0; last < 3; last++) {
      double final_lr = last * 0.3;
      test_schedule(kind, 0, 1, final_lr);
      test_schedule(kind, 1, 2, final_lr);
      test_schedule(kind, 0, 7, final_lr);
      test_schedule(kind, 30, 200, final_lr);
      test_schedule(kind, 0, 1000, final_lr);
    }
  /* Halfway (or halfway through the decay of wsd), by hand. */
  ScheduleOptions linear = {.schedule = SCHEDULE_LINEAR, .warmup = 20, .final_lr = 0.5};
  ScheduleOptions cosine = {.schedule = SCHEDULE_COSINE, .final_lr = 0.2};
  ScheduleOptions wsd = {.schedule = SCHEDULE_WSD, .decay_fraction = 0.4};
  check_near(schedule_at(&linear, 61, 100), 0.75, 1e-15, "linear, half way");
  check_near(schedule_at(&cosine, 51, 100), 0.6, 1e-15, "cosine, half way");
  check_near(schedule_at(&cosine, 26, 100), 0.2 + 0.8 * (1 + sqrt(0.5)) / 2, 1e-15, "cosine, 1/4");
  check_near(schedule_at(&wsd, 60, 100), 1, 0, "wsd, before the decay");
  check_near(schedule_at(&wsd, 81, 100), 0.5, 1e-15, "wsd, half of the decay");
  check_near(schedule_at(&wsd, 100, 100), 1 / 40., 1e-15, "wsd, last step");
  check(schedule_check(&linear, 21, &err) == 0, "warm-up 20 of 21 steps: %s", err.text);
  check(schedule_check(&linear, 20, &err) == -1 && strstr(err.text, "--warmup 20"),
        "warm-up 20 of 20 steps: %s", err.text);
}

/* ---- gradients ---- */

static void test_gradients(void) {
  static const int64_t sizes[][2] = {{1, 1}, {1, 63}, {7, 13}, {1, 130}, {33, 257}};
  Param p[COUNT(sizes)] = {{.name = ""}};
  double squares = 0;
  for (int i = 0; i < COUNT(sizes); i++) {
    p[i].rows = sizes[i][0], p[i].cols = sizes[i][1];
    p[i].g = malloc((size_t)param_size(&p[i]) * sizeof(float));
    for (int64_t j = 0; j < param_size(&p[i]); j++) {
      p[i].g[j] = 1e15f * check_value((uint64_t)i, (uint64_t)j); /* float squares would be inf */
      squares += (double)p[i].g[j] * (double)p[i].g[j];
    }
  }
  float before = p[4].g[77];
  double norm = gradient_norm(p, COUNT(p));
  check_near(norm / sqrt(squares), 1, 1e-13, "gradient_norm against the plain sum");
  gradient_clip(p, COUNT(p), norm, 1);
  check_near(gradient_norm(p, COUNT(p)), 1, 1e-6, "norm after scaling to 1");
  check_near(p[4].g[77] * norm / before, 1, 1e-6, "a number after scaling");
  gradient_clip(p, COUNT(p), 1, 0);
  gradient_clip(p, COUNT(p), 1, 1.5);
  check_near(gradient_norm(p, COUNT(p)), 1, 1e-6, "no clipping: limit 0, or above the norm");
  check(!gradient_not_finite(p, COUNT(p)), "a finite gradient is called not finite");
  check(gradient_norm(p, 0) == 0, "the norm of no gradients");
  for (int k = 0; k < 3; k++) {
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    float *at = &p[2].g[90], kept = *at;
    *at = bad[k];
    check(gradient_not_finite(p, COUNT(p)) == &p[2], "%g is not found", (double)bad[k]);
    check(!isfinite(gradient_norm(p, COUNT(p))), "the norm with %g is finite", (double)bad[k]);
    *at = kept;
  }
  for (int i = 0; i < COUNT(sizes); i++) free(p[i].g);
}

/* ---- the harness ---- */

/* Cut by --qkv-split, a matrix is updated as its pieces would be alone. */
static void test_split(int split, int down, int across) {
  const Optimizer *muon = optimizer_find("muon", &err);
  static const Shape whole = {12, 8, 3, 6, 2, ROLE_MATRIX};
  Shape pieces[PROBLEM_PARAMS];
  for (int i = 0; i < PROBLEM_PARAMS; i++)
    pieces[i] = (Shape){whole.rows / down, whole.cols / across, 1, 1, 1, ROLE_MATRIX};
  Problem a = problem_make(muon, &whole, 1), b = problem_make(muon, pieces, down * across);
  a.common.qkv_split = split;
  problem_start(&a), problem_start(&b);
  for (int t = 0; t <= 2; t++) {
    if (t > 0) problem_gradients(&a, NOISE, t);
    for (int64_t j = 0; j < 96; j++) {
      int64_t r = j / 8, c = j % 8, rows = 12 / down, cols = 8 / across;
      Param *to = &b.params[r / rows * across + c / cols];
      (t ? to->g : to->w)[r % rows * cols + c % cols] = (t ? a.params->g : a.params->w)[j];
    }
    if (t > 0) optimizer_step(a.state, t, 1), optimizer_step(b.state, t, 1);
  }
  double off = 0;
  for (int64_t j = 0; j < 96; j++) {
    int64_t r = j / 8, c = j % 8, rows = 12 / down, cols = 8 / across;
    const Param *from = &b.params[r / rows * across + c / cols];
    off = fmax(off, fabs(a.params->w[j] - from->w[r % rows * cols + c % cols]));
  }
  check(off <= 1e-6, "a 12 x 8 matrix in %d x %d pieces: off by %.2g from the pieces", down, across,
        off);
  problem_free(&a), problem_free(&b);
}

/* AdamW updates, at its own rate, the parameters that a method does not take. */
static void test_auxiliary(void) {
  static const Shape vector = {1, 33, 1, 1, 1, ROLE_VECTOR};
  Problem a = problem_make(optimizer_find("muon", &err), &vector, 1);
  Problem b = problem_make(&adamw, &vector, 1);
  char route[128];
  b.common.lr = b.common.aux_lr;
  problem_start(&a), problem_start(&b);
  problem_run(&a, NOISE, 1, 3), problem_run(&b, NOISE, 1, 3);
  check(problem_same_weights(&a, &b), "muon's auxiliary AdamW is another than adamw");
  optimizer_route(a.state, a.params, route, sizeof route);
  check(strcmp(route, "auxiliary adamw") == 0, "muon's route of a vector is \"%s\"", route);
  problem_free(&a), problem_free(&b);
}

/* How many arrays of state there are, and the floats of each. */
typedef struct {
  int count;
  int64_t floats[4];
} Arrays;

static void note_array(const char *name, int64_t floats, float *data, void *with) {
  Arrays *a = with;
  (void)name, (void)data;
  if (a->count < COUNT(a->floats)) a->floats[a->count] = floats;
  a->count++;
}

/* An array longer than one piece of an elementwise update is one array of state, and its parts are
   updated as separate arrays. */
static void test_pieces(void) {
  enum { LONG = 70001, CUT = 65536 };
  static const Shape one = {1, LONG, 1, 1, 1, ROLE_EMBEDDING};
  static const Shape two[] = {{1, CUT, 1, 1, 1, ROLE_EMBEDDING},
                              {1, LONG - CUT, 1, 1, 1, ROLE_EMBEDDING}};
  Problem a = problem_make(&adamw, &one, 1), b = problem_make(&adamw, two, 2);
  Arrays arrays = {0};
  memcpy(b.params[1].w, a.params[0].w + CUT, (LONG - CUT) * sizeof(float));
  problem_start(&a), problem_start(&b);
  for (int t = 1; t <= 2; t++) {
    problem_gradients(&a, NOISE, t);
    memcpy(b.params[0].g, a.params[0].g, CUT * sizeof(float));
    memcpy(b.params[1].g, a.params[0].g + CUT, (LONG - CUT) * sizeof(float));
    optimizer_step(a.state, t, 1), optimizer_step(b.state, t, 1);
  }
  check(memcmp(a.params[0].w, b.params[0].w, CUT * sizeof(float)) == 0 &&
            memcmp(a.params[0].w + CUT, b.params[1].w, (LONG - CUT) * sizeof(float)) == 0,
        "%d numbers are not updated as %d and the rest", LONG, CUT);
  optimizer_visit(a.state, note_array, &arrays);
  check(arrays.count == 2 && arrays.floats[0] == LONG && arrays.floats[1] == LONG,
        "%d arrays of state for one parameter of AdamW", arrays.count);
  problem_free(&a), problem_free(&b);
}

static double declared_flops(const char *method, Role role, const char *embedding_norm) {
  Shape shape = {40, 10, 1, 1, 1, role};
  Problem p = problem_make(optimizer_find(method, &err), &shape, 1);
  problem_set_if_there(&p, "embedding-norm", embedding_norm);
  problem_start(&p);
  double flops = optimizer_flops(p.state);
  problem_free(&p);
  return flops;
}

/* The FLOPs of an embedding are those of the step that its role takes: 8 per weight for the sign of
   an average of gradients, those of a matrix for an orthogonalization. */
static void test_flops_by_role(void) {
  double matrix = declared_flops("trust-region", ROLE_MATRIX, "sign"), few = 8 * 40 * 10;
  check(matrix > 10 * few, "an orthogonalized step of 40 x 10 counts %g FLOPs", matrix);
  check_near(declared_flops("scion", ROLE_MATRIX, ""), matrix, 0, "scion, a matrix");
  check_near(declared_flops("scion", ROLE_EMBEDDING, ""), few, 0, "scion, an embedding");
  check_near(declared_flops("trust-region", ROLE_EMBEDDING, "sign"), few, 0, "sign, an embedding");
  check_near(declared_flops("trust-region", ROLE_EMBEDDING, "spectral"), matrix, 0,
             "spectral, an embedding");
}

/* W = 1, g = 0.5, lr 1e-3, wd 0.1: 1 - 1e-3 (1 / (1 + 2e-8) + 0.1). */
static void test_adamw_number(void) {
  static const Shape single = {1, 1, 1, 1, 1, ROLE_MATRIX};
  Problem p = problem_make(&adamw, &single, 1);
  p.common.lr = 1e-3;
  p.params[0].w[0] = 1;
  p.params[0].g[0] = 0.5f;
  problem_start(&p);
  optimizer_step(p.state, 1, 1);
  check(fabs((double)p.params[0].w[0] - 0.99890000002) <= 6e-8, "AdamW's first step: %.9g",
        (double)p.params[0].w[0]);
  problem_free(&p);
}

/* Without a gradient, a step multiplies a weight by the factor of decay. */
static void test_embedding_decay(void) {
  static const Shape shapes[] = {{8, 4, 1, 1, 1, ROLE_EMBEDDING}, {8, 4, 1, 1, 1, ROLE_POSITION},
                                 {8, 4, 1, 1, 1, ROLE_MATRIX}};
  static const struct {
    const char *method;
    double embeddings; /* learning rate */
  } cases[] = {{"adamw", 0.1}, {"muon", 0.2}};
  for (int i = 0; i < COUNT(cases); i++)
    for (double factor = 0; factor <= 1; factor += 0.5) {
      Problem p = problem_make(optimizer_find(cases[i].method, &err), shapes, COUNT(shapes));
      p.common.lr = 0.1, p.common.aux_lr = 0.2;
      p.common.weight_decay = 0.5, p.common.embedding_decay = factor;
      problem_start(&p);
      problem_run(&p, ZERO, 1, 1);
      for (int k = 0; k < COUNT(shapes); k++) {
        double decay = 0.5 * (k < 2 ? factor * cases[i].embeddings : 0.1);
        check_near((double)p.params[k].w[3], (1 - decay) * (double)problem_weight(k, 3), 1e-6,
                   "%s, embedding decay %g, a %s", cases[i].method, factor,
                   role_name(shapes[k].role));
      }
      problem_free(&p);
    }
}

int main(void) {
  threads_start(2);
  test_schedules();
  test_gradients();
  test_embedding_decay();
  test_split(QKV_THREE, 3, 1);
  test_split(QKV_FUSED, 1, 1);
  test_split(QKV_HEADS, 6, 2);
  test_auxiliary();
  test_pieces();
  test_flops_by_role();
  test_adamw_number();
  return check_report("optim");
}
