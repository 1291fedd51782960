/* Measures training steps and optimizers beside the machine's own ceilings, in one run, so that
   the ratios hold on a noisy machine. */
#include <stdio.h>
#include <string.h>

#include "core/blas.h"
#include "core/startup.h"
#include "optim/adamw.h"
#include "tools/measure/growth.h"
#include "tools/measure/optimizers.h"
#include "tools/measure/parts.h"
#include "tools/measure/step.h"

typedef struct {
  const char *name;
  ModelOptions size;
  int64_t B;
  int rounds;
} Case;

#define NANO {.L = 4, .NH = 4, .C = 128, .context = 128, .V = 4096}
#define MICRO {.L = 6, .NH = 6, .C = 384, .context = 256, .V = 4096}
#define GPT2_SIZE(T) {.L = 12, .NH = 12, .C = 768, .context = T, .V = 50257}

static const Case cases[] = {
    {"nano 16x128", NANO, 16, 31},
    {"micro 8x256", MICRO, 8, 15},
    {"gpt2 4x64", GPT2_SIZE(64), 4, 15},
    {"gpt2 4x256", GPT2_SIZE(256), 4, 11},
    {"gpt2 2x1024", GPT2_SIZE(1024), 2, 7},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Whether a case was asked for: all are unless one is named. */
static int wanted(const Case *c, const char *only) { return !only || strstr(c->name, only); }

static int steps(const char *only, Err *err) {
  bench_step_header();
  for (const Case *c = cases; c < cases + CASES; c++)
    if (wanted(c, only) && bench_step(c->name, &c->size, c->B, &adamw, c->rounds, err)) return -1;
  return 0;
}

static int parts(const char *only, Err *err) {
  for (const Case *c = cases; c < cases + CASES; c++)
    if (wanted(c, only) && bench_parts(c->name, &c->size, c->B, &adamw, c->rounds, err)) return -1;
  return 0;
}

static int growth(const char *only, Err *err) {
  (void)only;
  return bench_growth(&cases[1].size, &adamw, 5, err);
}

/* gpt2's table takes some five minutes, as SOAP and AdaDiag begin with eigenvectors of 3072 x 3072:
   it is left out unless asked for, and then one of its cases is enough. */
static int methods(const char *only, Err *err) {
  int large = 0;
  for (int i = 0; i < CASES; i++) {
    const Case *c = &cases[i];
    if (!wanted(c, only) || (i >= 2 && (!only || large++))) continue;
    if (bench_optimizers(c->name, &c->size, c->B * c->size.context, i < 2 ? 5 : 1, err)) return -1;
  }
  return 0;
}

static int plain(const char *only, Err *err) {
  (void)only;
  return bench_against_plain("gpt2", &cases[2].size, 5, err);
}

static const struct {
  const char *name, *about;
  int (*run)(const char *only, Err *err);
} tables[] = {
    {"steps", "whole training steps as a fraction of the sgemm ceiling", steps},
    {"parts", "where a step goes, each part beside its limit", parts},
    {"optimizers", "one step of each method", methods},
    {"plain", "Muon, low-rank Muon and AdamW beside the plain way, on gpt2", plain},
    {"growth", "time per token against context, batch, layers, channels, threads", growth},
};
enum { TABLES = sizeof tables / sizeof *tables };

static int usage(void) {
  fprintf(stderr, "usage: tools/bench [all | TABLE [CASE]], with TABLE one of\n");
  for (int i = 0; i < TABLES; i++)
    fprintf(stderr, "  %-12s %s\n", tables[i].name, tables[i].about);
  fprintf(stderr, "and CASE a part of one of the names nano 16x128, micro 8x256, gpt2 4x64, gpt2 "
                  "4x256, gpt2 2x1024\n");
  return 2;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "all", *only = argc > 2 ? argv[2] : NULL;
  int all = strcmp(what, "all") == 0, known = all, found = 0;
  Err err;
  for (int i = 0; i < TABLES; i++) known |= strcmp(what, tables[i].name) == 0;
  for (int i = 0; i < CASES; i++) found |= wanted(&cases[i], only);
  if (argc > 3 || !known || !found) return usage();
  if (startup(argv, &err)) {
    fprintf(stderr, "bench: %s\n", err.text);
    return 1;
  }
  printf("%d threads%s%s, %s\n%s\n", threads_start(0), *threads_note() ? ", " : "", threads_note(),
         blas_describe(), startup_describe());
  if (*startup_warning()) printf("%s\n", startup_warning());
  for (int i = 0; i < TABLES; i++) {
    if (!(all || strcmp(what, tables[i].name) == 0) || tables[i].run(only, &err) == 0) continue;
    fprintf(stderr, "bench: %s\n", err.text);
    return 1;
  }
  return 0;
}
