/* Measures training steps and optimizers beside the machine's own ceilings, in one run, so that
   the ratios hold on a noisy machine. */
#include <stdio.h>
#include <string.h>

#include "core/blas.h"
#include "optim/adamw.h"
#include "tools/measure/optimizers.h"
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
    {"nano 16x128", NANO, 16, 15},
    {"micro 8x256", MICRO, 8, 9},
    {"gpt2 4x64", GPT2_SIZE(64), 4, 7},
    {"gpt2 4x256", GPT2_SIZE(256), 4, 5},
    {"gpt2 2x1024", GPT2_SIZE(1024), 2, 3},
};
enum { CASES = sizeof cases / sizeof *cases };

static int steps(const char *only, Err *err) {
  bench_step_header();
  for (int i = 0; i < CASES; i++) {
    const Case *c = &cases[i];
    if (only && !strstr(c->name, only)) continue;
    if (bench_step(c->name, &c->size, c->B, &adamw, c->rounds, err)) return -1;
  }
  return 0;
}

/* gpt2's table takes some ten minutes: SOAP and AdaDiag begin with eigenvectors of 3072 x 3072. */
static int methods(const char *only, Err *err) {
  for (int i = 0; i < 3; i++) {
    const Case *c = &cases[i];
    if (only ? !strstr(c->name, only) : i == 2) continue;
    if (bench_optimizers(c->name, &c->size, c->B * c->size.context, i < 2 ? 5 : 1, err)) return -1;
  }
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "all", *only = argc > 2 ? argv[2] : NULL;
  int all = strcmp(what, "all") == 0, plain = strcmp(what, "plain") == 0;
  int step = strcmp(what, "steps") == 0, method = strcmp(what, "optimizers") == 0;
  Err err;
  if (argc > 3 || !(all || plain || step || method)) {
    fprintf(stderr, "usage: bench [all | steps | optimizers | plain] [nano | micro | gpt2 ...]\n");
    return 2;
  }
  printf("%d threads, %s\n", threads_start(0), blas_describe());
  if (((all || step) && steps(only, &err)) || ((all || method) && methods(only, &err)) ||
      ((all || plain) && bench_against_plain("gpt2", &cases[2].size, 5, &err))) {
    fprintf(stderr, "bench: %s\n", err.text);
    return 1;
  }
  return 0;
}
