/* Our optimizers against other people's: ten steps on the same weights and gradients end at the
   same weights (tests/packages_fixture.py ran the packages, in double precision). The measure is
   ||ours - theirs|| / ||theirs - start||, for each matrix. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "tests/check.h"
#include "tests/fixture.h"
#include "tests/problem.h"

enum { STEPS = 10, MATRICES = 4 };
static const int64_t SIZES[MATRICES][2] = {{24, 15}, {17, 26}, {16, 16}, {15, 13}};
static const double TOLERANCE = 1e-5;

typedef struct {
  const char *name;    /* in the fixture: package.class-variant */
  const char *method;
  const char *options; /* "name=value ..." beside the defaults */
  int embedding;       /* the parameters are token embeddings, not matrices of a block */
  int bases;           /* SOAP: its first bases are in the fixture */
  const char *differs; /* why their equations are not ours, or NULL */
  double by;           /* then: the measured difference, to a factor of two */
} Case;

#define ADAM "lr=0.02 weight-decay=0.1 beta1=0.9 beta2=0.95 eps=1e-8"
#define MUON "lr=0.02 weight-decay=0.1 momentum=0.95 ns-steps=5 "
#define GALORE "lr=0.1 weight-decay=0.1 eps=1e-6 rank=6 scale=0.25 "
#define SCION "lr=0.01 alpha=0.1 ns-schedule=jordan "
#define SOAP "lr=0.02 beta1=0.95 beta2=0.95 eps=1e-8 "

static const Case cases[] = {
    {.name = "torch.AdamW", .method = "adamw", .options = ADAM},
    {.name = "heavyball.AdamW", .method = "adamw", .options = ADAM},
    {.name = "torch.SGD", .method = "sgd", .options = "lr=0.02 momentum=0.9"},
    {.name = "torch.SGD-nesterov", .method = "sgd",
     .options = "lr=0.02 momentum=0.9 nesterov=on"},
    {.name = "torch.Muon", .method = "muon",
     .options = MUON "ns-schedule=jordan nesterov=on shape-scale=kj"},
    {.name = "torch.Muon-rms", .method = "muon",
     .options = MUON "ns-schedule=jordan nesterov=off shape-scale=rms"},
    {.name = "pytorch_optimizer.Muon", .method = "muon",
     .options = MUON "ns-schedule=jordan nesterov=on shape-scale=kj"},
    {.name = "pytorch_optimizer.Muon-quintic", .method = "muon",
     .options = MUON "ns-schedule=cesista nesterov=on shape-scale=rms"},
    {.name = "heavyball.Muon", .method = "muon",
     .options = MUON "ns-schedule=cesista nesterov=on shape-scale=kj"},
    {.name = "heavyball.Muon-ema", .method = "muon",
     .options = MUON "ns-schedule=cesista nesterov=on shape-scale=kj",
     .differs = "it steps along g + B, where Muon has (1 - mu) g + mu B", .by = 0.9},
    {.name = "pytorch_optimizer.NorMuon", .method = "normuon",
     .options = MUON "ns-schedule=jordan nesterov=on shape-scale=kj beta2=0.95"},
    {.name = "pytorch_optimizer.AdaGO", .method = "adago",
     .options = "lr=0.05 momentum=0.95 gamma=10 eps=5e-4 v0=0.03162277660168379 shape-scale=kj",
     .differs = "it divides by the sum of squares, where the paper has its root", .by = 16},
    {.name = "pytorch_optimizer.AdaGO-floor", .method = "adago",
     .options = "lr=1e-6 weight-decay=0.1 momentum=0.95 eps=0.02 shape-scale=none"},
    {.name = "pytorch_optimizer.SCION", .method = "scion",
     .options = SCION "radius=5 form=constrained"},
    {.name = "pytorch_optimizer.SCION-free", .method = "scion",
     .options = SCION "radius=5 form=unconstrained weight-decay=0.5"},
    {.name = "pytorch_optimizer.SCION-sign", .method = "scion", .embedding = 1,
     .options = SCION "head-radius=300 form=constrained"},
    {.name = "lion_pytorch.Lion", .method = "lion",
     .options = "lr=0.02 weight-decay=1 beta1=0.9 beta2=0.99"},
    {.name = "pytorch_optimizer.Lion", .method = "lion",
     .options = "lr=0.02 weight-decay=1 beta1=0.9 beta2=0.99"},
    {.name = "galore_torch.AdamW", .method = "galore", .options = GALORE "update-gap=200"},
    {.name = "galore_torch.AdamW-bases", .method = "galore",
     .options = GALORE "update-gap=3 beta1=0"},
    {.name = "pytorch_optimizer.GaLore", .method = "galore", .options = GALORE "update-gap=200"},
    {.name = "pytorch_optimizer.SOAP", .method = "soap", .bases = 1,
     .options = SOAP "weight-decay=0.1 update-gap=3"},
    {.name = "heavyball.SOAP", .method = "soap", .bases = 1,
     .options = SOAP "weight-decay=0 update-gap=1"}, /* its longer gaps end at other steps */
    {.name = "heavyball.SOAP-decay", .method = "soap", .bases = 1,
     .options = SOAP "weight-decay=0.1 update-gap=1",
     .differs = "it decays before the step, where the authors decay after it", .by = 2e-3},
};

static float weight(int i, int64_t j) {
  return (float)(0.1 * (double)check_value(3000 + (uint64_t)i, (uint64_t)j));
}

static float gradient(int i, int t, int64_t row, int64_t col) {
  uint64_t matrix = (uint64_t)i, at = (uint64_t)(row * SIZES[i][1] + col);
  double a = (double)check_value(3100 + matrix, (uint64_t)row);
  double b = (double)check_value(3200 + matrix, (uint64_t)col);
  double noise = (double)check_value(4000 + 20 * (uint64_t)t + matrix, at);
  return (float)(noise + 0.5 * a * b);
}

static void set_options(Problem *p, const char *text) {
  const Option *row;
  char name[64], value[64];
  int length;
  Err err;
  for (; sscanf(text, " %63[^=]=%63s%n", name, value, &length) == 2; text += length) {
    if ((row = option_find(p->method->options, name)))
      check(option_set(row, p->options, value, "case", &err) == 0, "%s", err.text);
    else if ((row = option_find(optimizer_options, name)))
      check(option_set(row, &p->common, value, "case", &err) == 0, "%s", err.text);
    else
      check(0, "%s has no option %s", p->method->name, name);
  }
}

/* ---- SOAP's first bases ---- */

/* A first gradient that is not square leaves a null space, which may have any basis: ours are
   replaced by theirs. */
typedef struct {
  const Fixture *fixture;
  const char *name; /* of the case */
  const Problem *problem;
  int replaced;
} Bases;

static void replace_basis(const char *name, int64_t floats, float *data, void *with) {
  Bases *bases = with;
  const char *slot = strrchr(name, '.') + 1;
  if (strcmp(slot, "p") != 0 && strcmp(slot, "q") != 0) return;
  for (int i = 0; i < MATRICES; i++) {
    const char *param = bases->problem->params[i].name;
    if (strncmp(name, param, (size_t)(slot - name) - 1) != 0) continue;
    char key[128];
    snprintf(key, sizeof key, "%s/%d.%s", bases->name, i, slot);
    const FixtureTensor *theirs = fixture_find(bases->fixture, key);
    check(theirs->rows * theirs->cols == floats, "%s: %lld numbers", key, (long long)floats);
    for (int64_t j = 0; j < floats; j++) data[j] = (float)theirs->values[j];
    bases->replaced++;
  }
}

/* ---- a case ---- */

static double difference(const Param *p, int i, const FixtureTensor *theirs) {
  double off = 0, moved = 0;
  for (int64_t j = 0; j < param_size(p); j++) {
    double ours = (double)p->w[j] - (double)weight(i, j);
    off += pow(ours - theirs->values[j], 2);
    moved += pow(theirs->values[j], 2);
  }
  return sqrt(off / moved);
}

static void compare(const Fixture *fixture, const Case *c, const Problem *p) {
  double worst = 0;
  for (int i = 0; i < MATRICES; i++) {
    char key[128];
    snprintf(key, sizeof key, "%s/%d", c->name, i);
    double d = difference(&p->params[i], i, fixture_find(fixture, key));
    check(c->differs ? d >= c->by / 2 && d <= c->by * 2 : d <= TOLERANCE,
          "%s, %lld x %lld: differs from our %s by %.2g", c->name, (long long)SIZES[i][0],
          (long long)SIZES[i][1], c->method, d);
    if (!(d <= worst)) worst = d;
  }
  printf("  %-30s %-8s %8.1e%s%s\n", c->name, c->method, worst, c->differs ? "  " : "",
         c->differs ? c->differs : "");
}

static void run(const Fixture *fixture, const Case *c) {
  Shape shapes[MATRICES];
  Err err;
  for (int i = 0; i < MATRICES; i++)
    shapes[i] = (Shape){SIZES[i][0], SIZES[i][1], 1, 1, 1,
                        c->embedding ? ROLE_EMBEDDING : ROLE_MATRIX};
  Problem p = problem_make(optimizer_find(c->method, &err), shapes, MATRICES);
  p.common.weight_decay = 0;
  set_options(&p, c->options);
  for (int i = 0; i < MATRICES; i++)
    for (int64_t j = 0; j < param_size(&p.params[i]); j++) p.params[i].w[j] = weight(i, j);
  problem_start(&p);
  for (int t = 1; t <= STEPS; t++) {
    for (int i = 0; i < MATRICES; i++)
      for (int64_t j = 0; j < param_size(&p.params[i]); j++)
        p.params[i].g[j] = gradient(i, t, j / SIZES[i][1], j % SIZES[i][1]);
    optimizer_step(p.state, t, 1);
    if (t > 1 || !c->bases) continue;
    Bases bases = {fixture, c->name, &p, 0};
    optimizer_visit(p.state, replace_basis, &bases);
    check(bases.replaced == 2 * MATRICES, "%s: %d bases replaced", c->name, bases.replaced);
  }
  compare(fixture, c, &p);
  problem_free(&p);
}

int main(void) {
  threads_start(0);
  Fixture fixture = fixture_read("tests/fixtures/packages.txt.gz");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) run(&fixture, &cases[i]);
  fixture_free(&fixture);
  return check_report("packages");
}
