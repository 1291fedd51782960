/* Laws that every registered optimizer obeys, and its steps against the reference in double. Tests:
   optim/optim optim/registry */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "tests/check.h"
#include "tests/golden.h"
#include "tests/problem.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static Err err;

/* Wide, tall, square, thin, prime, a fused matrix, one cut by columns, and every other role. */
static const Shape mixed[] = {
    {12, 8, 1, 1, 1, ROLE_MATRIX}, {8, 12, 1, 1, 1, ROLE_MATRIX},  {7, 7, 1, 1, 1, ROLE_MATRIX},
    {11, 5, 1, 1, 1, ROLE_MATRIX}, {1, 9, 1, 1, 1, ROLE_MATRIX},   {9, 1, 1, 1, 1, ROLE_MATRIX},
    {12, 4, 3, 6, 1, ROLE_MATRIX}, {4, 12, 1, 1, 2, ROLE_MATRIX},  {1, 1, 1, 1, 1, ROLE_MATRIX},
    {1, 6, 1, 1, 1, ROLE_VECTOR},  {13, 5, 1, 1, 1, ROLE_EMBEDDING}, {6, 5, 1, 1, 1, ROLE_POSITION},
    {13, 5, 1, 1, 1, ROLE_HEAD}};

/* Laws that a method does not obey. A test checks that it breaks them, so that no outdated row
   stays. */
static const struct {
  const char *method, *law, *reason;
} exceptions[] = {
    {"scion", "zero gradient", "its constrained form shrinks the weights by 1 - lr"},
    {"scion", "transpose", "its step is scaled by sqrt(rows / cols)"},
    {"clipped-scion", "transpose", "its step is scaled by sqrt(rows / cols)"},
    {"schedule-free", "zero gradient", "it averages the weights that decay gives"},
    {"soap", "zero gradient", "its first step makes the bases only, without decay"},
    {"orthogonal-sgdm", "zero gradient", "its decay is a part of the gradient, with momentum"},
    {"normuon", "transpose", "its second moment is one number per row"},
    {"muonh", "zero gradient", "its weights keep their norm, so that they do not decay"},
    {"muoneq", "transpose", "it equalizes rows, not columns"},
    {"contra-muon", "transpose", "its power iteration starts on the side of the columns"},
};

static int excepted(const Optimizer *method, const char *law) {
  for (int i = 0; i < COUNT(exceptions); i++)
    if (strcmp(exceptions[i].method, method->name) == 0 && strcmp(exceptions[i].law, law) == 0)
      return 1;
  return 0;
}

static void law(const Optimizer *method, const char *name, int holds, const char *how) {
  int exception = excepted(method, name);
  check(holds != exception, "%s, law \"%s\": %s%s", method->name, name,
        exception ? "holds, but is listed as an exception: " : "", how);
}

/* The declaration is complete; its settings are allowed by the tables, and each occurs once. */
static void law_declaration(const Optimizer *o) {
  Problem p = problem_make(o, mixed, 1);
  OptionSet sets[] = {{.title = "optimizer", .rows = optimizer_options, .values = &p.common},
                      {.title = "auxiliary", .rows = auxiliary_options, .values = &p.common},
                      {.title = "options", .rows = o->options, .values = p.options}, {0}};
  Settings s = {0};
  check(*o->name && *o->summary && *o->reference && o->accepts && o->update && o->slots,
        "%s: the declaration is not complete", o->name);
  check(optimizer_find(o->name, &err) == o, "%s is not found by its name", o->name);
  const char *published = o->published ? o->published : "", *ours = o->ours ? o->ours : "";
  check(settings_preset(&s, FROM_PRESET, "settings", published, &err) == 0 &&
            settings_preset(&s, FROM_PRESET, "settings", ours, &err) == 0 &&
            options_apply(sets, NULL, &s, &err) == 0 && settings_find(&s, "lr", NULL),
        "%s: published or own settings: %s", o->name, err.text);
  settings_free(&s);
  problem_start(&p);
  check(optimizer_flops(p.state) > 0, "%s: %g FLOPs", o->name, optimizer_flops(p.state));
  problem_free(&p);
}

/* Without a gradient, only decay changes the weights: w = keep^t w. */
static void law_zero_gradient(const Optimizer *o) {
  Problem p = problem_make(o, mixed, COUNT(mixed));
  double worst = 0;
  p.common.lr = p.common.aux_lr = 0.1;
  p.common.weight_decay = 0.5;
  problem_start(&p);
  problem_run(&p, ZERO, 1, 3);
  for (int i = 0; i < p.count; i++)
    for (int64_t j = 0; j < param_size(&p.params[i]); j++) {
      double w0 = (double)problem_weight(i, j);
      double want = (p.params[i].decay ? pow(0.95, 3) : 1) * w0;
      double off = fabs(p.params[i].w[j] - want);
      worst = off > worst || isnan(off) ? off : worst;
    }
  char how[80];
  snprintf(how, sizeof how, "the weights are off by %.2g", worst);
  law(o, "zero gradient", worst <= 1e-6, how);
  problem_free(&p);
}

/* One array of state, copied. */
typedef struct {
  char name[64];
  int64_t floats;
  float *copy;
} Saved;

typedef struct {
  Saved arrays[64];
  int count, restoring, wrong;
} Checkpoint;

static void save_or_restore(const char *name, int64_t floats, float *data, void *with) {
  Checkpoint *c = with;
  Saved *s = &c->arrays[c->count++];
  if (!c->restoring) {
    snprintf(s->name, sizeof s->name, "%s", name);
    s->floats = floats;
    s->copy = malloc((size_t)floats * sizeof *s->copy);
    memcpy(s->copy, data, (size_t)floats * sizeof *data);
  } else if (strcmp(s->name, name) != 0 || s->floats != floats) {
    c->wrong++;
  } else {
    memcpy(data, s->copy, (size_t)floats * sizeof *data);
  }
}

static void check_names(const Optimizer *o, const Checkpoint *c, size_t bytes) {
  int64_t floats = 0;
  for (int i = 0; i < c->count; i++) {
    floats += c->arrays[i].floats;
    for (int j = 0; j < i; j++)
      check(strcmp(c->arrays[i].name, c->arrays[j].name) != 0, "%s: two arrays of state named %s",
            o->name, c->arrays[i].name);
  }
  check((size_t)floats * sizeof(float) <= bytes, "%s: %lld floats of state in %zu bytes", o->name,
        (long long)floats, bytes);
}

/* With the state after two steps, a new optimizer takes the same third step. */
static void law_state(const Optimizer *o) {
  Problem a = problem_make(o, mixed, COUNT(mixed)), b = problem_make(o, mixed, COUNT(mixed));
  Problem forgetful = problem_make(o, mixed, COUNT(mixed));
  static Checkpoint c;
  memset(&c, 0, sizeof c);
  problem_start(&a), problem_start(&b), problem_start(&forgetful);
  problem_run(&a, NOISE, 1, 2);
  optimizer_visit(a.state, save_or_restore, &c);
  check_names(o, &c, optimizer_state_bytes(a.state));
  int arrays = c.count;
  c.count = 0, c.restoring = 1;
  optimizer_visit(b.state, save_or_restore, &c);
  for (int i = 0; i < a.count; i++) {
    size_t bytes = (size_t)param_size(&a.params[i]) * sizeof(float);
    memcpy(b.params[i].w, a.params[i].w, bytes);
    memcpy(forgetful.params[i].w, a.params[i].w, bytes);
  }
  problem_run(&a, NOISE, 3, 3);
  problem_run(&b, NOISE, 3, 3);
  problem_run(&forgetful, NOISE, 3, 3);
  law(o, "state", c.count == arrays && !c.wrong && problem_same_weights(&a, &b),
      "a restored state takes another step");
  check(!problem_same_weights(&a, &forgetful), "%s: the state does not matter", o->name);
  for (int i = 0; i < arrays; i++) free(c.arrays[i].copy);
  problem_free(&a), problem_free(&b), problem_free(&forgetful);
}

/* Runs four uneven steps with some settings. Returns -1 when they are not allowed. */
typedef struct {
  const char *name;
  char value[32];
} Choice;

static int run_with(Problem *p, const Optimizer *o, const Choice *context, const Choice *changed) {
  *p = problem_make(o, mixed, COUNT(mixed));
  Err ignored;
  for (int k = 0; k < 2; k++) {
    const Choice *c = k ? changed : context;
    if (!c) continue;
    const Option *row = option_find(o->options, c->name);
    if (option_set(row, p->options, c->value, "test", &ignored)) return -1;
  }
  if (problem_try(p)) return -1;
  problem_run(p, UNEVEN, 1, 4);
  return 0;
}

/* Another value k = 0, 1, ... for an option: the next choice; one, half, a fiftieth, ... */
static int another_value(const Option *row, int k, Choice *c) {
  double x = strtod(row->fallback, NULL);
  c->name = row->name;
  if (row->type == OPTION_CHOICE) {
    int count = word_count(row->choices);
    if (k >= count - 1) return 0;
    word_at(row->choices, (word_index(row->choices, row->fallback) + 1 + k) % count, c->value,
            sizeof c->value);
    return 1;
  }
  const double values[] = {1, x / 2, x / 50, 2, 3, 20 * x, 0.5, 50, row->min};
  if (k >= COUNT(values)) return 0;
  double value = row->type == OPTION_INT ? floor(values[k]) : values[k];
  value = value < row->min ? row->min : value > row->max ? row->max : value;
  snprintf(c->value, sizeof c->value, "%.17g", value);
  return 1;
}

/* Whether another value of the option changes the weights, given the context. */
static int matters(const Optimizer *o, const Option *row, const Choice *context) {
  Problem base, other;
  Choice changed;
  int found = 0;
  if (run_with(&base, o, context, NULL)) {
    problem_free(&base);
    return 0;
  }
  for (int k = 0; !found && another_value(row, k, &changed); k++) {
    found = run_with(&other, o, context, &changed) == 0 && !problem_same_weights(&base, &other);
    problem_free(&other);
  }
  problem_free(&base);
  return found;
}

/* Every option changes the result, alone or with another value of another option. */
static void law_options(const Optimizer *o) {
  for (const Option *row = o->options; row->name; row++) {
    int found = matters(o, row, NULL);
    for (const Option *beside = o->options; beside->name && !found; beside++) {
      Choice context;
      int most = beside->type == OPTION_CHOICE ? 100 : 2;
      for (int k = 0; !found && beside != row && k < most && another_value(beside, k, &context);
           k++)
        found = matters(o, row, &context);
    }
    char name[80], how[160];
    snprintf(name, sizeof name, "option %s", row->name);
    snprintf(how, sizeof how, "--%s changes nothing", row->name);
    law(o, name, found, how);
  }
}

static double half_square(const Problem *p) {
  double sum = 0;
  for (int i = 0; i < p->count; i++)
    for (int64_t j = 0; j < param_size(&p->params[i]); j++)
      sum += pow((double)p->params[i].g[j], 2) / 2;
  return sum;
}

/* g = W - W*, the gradient of ||W - W*||^2 / 2. */
static void quadratic(Problem *p) {
  for (int i = 0; i < p->count; i++)
    for (int64_t j = 0; j < param_size(&p->params[i]); j++)
      p->params[i].g[j] = p->params[i].w[j] - check_value(900 + (uint64_t)i, (uint64_t)j);
}

static void law_descent(const Optimizer *o) {
  Problem p = problem_make(o, mixed, COUNT(mixed));
  p.common.weight_decay = 0;
  problem_set_if_there(&p, "radius", "1"); /* they need a smaller rate */
  problem_set_if_there(&p, "head-radius", "1");
  problem_start(&p);
  quadratic(&p);
  double first = half_square(&p);
  for (int t = 1; t <= 30; t++) {
    optimizer_step(p.state, t, 1);
    quadratic(&p);
  }
  char how[100];
  snprintf(how, sizeof how, "30 steps on a quadratic: from %g to %g", first, half_square(&p));
  law(o, "descent", half_square(&p) < 0.98 * first, how);
  problem_free(&p);
}

static void law_finite(const Optimizer *o) {
  static const Shape odd[] = {
      {1, 1, 1, 1, 1, ROLE_MATRIX},  {1, 5, 1, 1, 1, ROLE_MATRIX},  {5, 1, 1, 1, 1, ROLE_MATRIX},
      {7, 13, 1, 1, 1, ROLE_MATRIX}, {13, 7, 1, 1, 1, ROLE_MATRIX}, {2, 2, 1, 1, 1, ROLE_MATRIX},
      {31, 2, 1, 1, 1, ROLE_MATRIX}, {9, 3, 3, 9, 1, ROLE_MATRIX}};
  for (Kind kind = NOISE; kind < KINDS; kind++)
    for (int then_noise = 0; then_noise <= 1; then_noise++) {
      Problem p = problem_make(o, odd, COUNT(odd));
      const Param *bad = NULL;
      problem_start(&p);
      problem_run(&p, kind, 1, 3);
      if (then_noise) problem_run(&p, NOISE, 4, 6);
      for (int i = 0; i < p.count; i++)
        for (int64_t j = 0; j < param_size(&p.params[i]); j++)
          if (!isfinite(p.params[i].w[j])) bad = &p.params[i];
      char how[120];
      snprintf(how, sizeof how, "%s%s: %lld x %lld is not finite", kind_names[kind],
               then_noise ? ", then noise" : "", bad ? (long long)bad->rows : 0,
               bad ? (long long)bad->cols : 0);
      law(o, "finite", !bad, how);
      problem_free(&p);
    }
}

/* The transposed problem (gradients and weights) makes the transposed step, where the shape's
   scale is left out. A larger eps keeps rounding out of directions that have no gradient: with it a
   rounding error of e |G| in a rotated entry, e = 6e-8 sqrt(17) for sums of 17 products, changes a
   step of size 1 by e |G| / eps = 1e-4 at most, as |G| is near 4 and the entries themselves are not
   all so small. The bases agree bit by bit, as a matrix and its transpose have one Gram matrix. */
static void law_transpose(const Optimizer *o) {
  static const Shape there[] = {{12, 8, 1, 1, 1, ROLE_MATRIX}, {3, 17, 1, 1, 1, ROLE_MATRIX},
                                {9, 1, 1, 1, 1, ROLE_MATRIX}};
  static const Shape back[] = {{8, 12, 1, 1, 1, ROLE_MATRIX}, {17, 3, 1, 1, 1, ROLE_MATRIX},
                               {1, 9, 1, 1, 1, ROLE_MATRIX}};
  Problem a = problem_make(o, there, 3), b = problem_make(o, back, 3);
  Problem c = problem_make(o, there, 3);
  Problem *both[] = {&a, &b};
  for (int k = 0; k < 2; k++) {
    problem_set_if_there(both[k], "shape-scale", "none");
    problem_set_if_there(both[k], "eps", "0.01");
  }
  for (int t = 0; t <= 3; t++) { /* step 0 is the weights themselves */
    if (t > 0) problem_gradients(&a, NOISE, t);
    for (int i = 0; i < 3; i++)
      for (int64_t j = 0, rows = there[i].rows, cols = there[i].cols; j < rows * cols; j++)
        (t ? b.params[i].g : b.params[i].w)[j % cols * rows + j / cols] =
            (t ? a.params[i].g : a.params[i].w)[j];
    if (t > 0) optimizer_step(a.state, t, 1), optimizer_step(b.state, t, 1);
    else problem_start(&a), problem_start(&b);
  }
  for (int i = 0; i < 3; i++)
    for (int64_t j = 0, rows = there[i].rows, cols = there[i].cols; j < rows * cols; j++)
      c.params[i].w[j] = b.params[i].w[j % cols * rows + j / cols];
  char how[80];
  double off = problem_difference(&c, &a);
  snprintf(how, sizeof how, "the transposed problem is off by %.2g", off);
  law(o, "transpose", off <= 1e-4, how);
  problem_free(&a), problem_free(&b), problem_free(&c);
}

/* The same seed gives the same bits; another number of threads the same up to rounding, as BLAS may
   split its sums differently. Returns whether those were the same bits too. */
static int law_repeat(const Optimizer *o) {
  Problem p[3];
  for (int k = 0; k < 3; k++) {
    threads_start(k < 2 ? 2 : 1);
    p[k] = problem_make(o, mixed, COUNT(mixed));
    problem_set_if_there(&p[k], "eps", "0.01");
    problem_start(&p[k]);
    problem_run(&p[k], NOISE, 1, 4);
  }
  law(o, "repeat", problem_same_weights(&p[0], &p[1]), "the same seed does not give the same bits");
  double off = problem_difference(&p[2], &p[0]);
  char how[80];
  snprintf(how, sizeof how, "1 and 2 threads differ by %.2g", off);
#ifdef _OPENMP
  law(o, "threads", off <= 1e-5, how);
#else
  /* OpenBLAS's own threads round differently. The bases of SOAP then differ in directions that the
     first gradient does not have. */
  int sorted = strcmp(o->name, "soap") == 0 || strcmp(o->name, "soap-muon") == 0;
  law(o, "threads", off <= 1e-5 || sorted, how);
#endif
  int same = problem_same_weights(&p[0], &p[2]);
  for (int k = 0; k < 3; k++) problem_free(&p[k]);
  threads_start(2);
  return same;
}

/* A multiplier of the schedule is the same as a smaller rate. */
static void law_multiplier(const Optimizer *o) {
  Problem a = problem_make(o, mixed, COUNT(mixed)), b = problem_make(o, mixed, COUNT(mixed));
  b.common.lr /= 4;
  b.common.aux_lr /= 4;
  problem_start(&a), problem_start(&b);
  for (int t = 1; t <= 2; t++) {
    problem_gradients(&a, NOISE, t), problem_gradients(&b, NOISE, t);
    optimizer_step(a.state, t, 0.25), optimizer_step(b.state, t, 1);
  }
  law(o, "multiplier", problem_same_weights(&a, &b), "a quarter of the rate is another step");
  problem_free(&a), problem_free(&b);
}

/* ---- the reference ---- */

/* Of the change W - W0 against the reference in double. A rounding error of 2^-24 of the matrix is
   multiplied by up to 3.4445 in each of Jordan's five steps after it: 1 + 3.4445 + ... + 3.4445^5 =
   683 in total, 4.1e-5. Measured with five cores of OpenBLAS and on AArch64: 1.6e-5 at most. */
static const double GOLDEN_TOLERANCE = 683 * 0x1p-24;

/* The optimizers that tests/reference.py knows (test_registry names others). The file as-published
   has cases of many (tests/test_published.c). */
static int reference_files(void) {
  glob_t found;
  int count = 0, status = glob("tests/golden/*.txt.gz", 0, NULL, &found);
  for (size_t i = 0; status == 0 && i < found.gl_pathc; i++)
    count += !strstr(found.gl_pathv[i], "as-published");
  globfree(&found);
  return count;
}

/* `test_laws NAME` is about one method. */
int main(int argc, char **argv) {
  int same = 0, count = 0, with_reference = 0;
  const char *only = argc > 1 ? argv[1] : NULL;
  threads_start(2);
  for (const Optimizer *const *at = optimizers; *at; at++) {
    const Optimizer *o = *at;
    if (only && strcmp(o->name, only) != 0) continue;
    count++;
    law_declaration(o);
    law_zero_gradient(o);
    law_state(o);
    law_options(o);
    law_descent(o);
    law_finite(o);
    law_transpose(o);
    same += law_repeat(o);
    law_multiplier(o);
    GoldenResult r = golden_run(o, GOLDEN_TOLERANCE);
    with_reference += r.run > 0;
    printf("  golden %-16s %3d cases run, %2d skipped, off by %.1e at most (%s)\n", o->name, r.run,
           r.skipped, r.worst, r.where);
  }
  check(count > 0, "there is no optimizer %s", only ? only : "");
  check(only || with_reference == reference_files(),
        "%d optimizers ran a reference; tests/golden has %d", with_reference, reference_files());
  printf("  1 and 2 threads give the same bits with %d of %d optimizers\n", same, count);
  return check_report("laws");
}
