/* The optimizer's state on several ranks: a state that all ranks read is complete after it is
   gathered. tests/mpi/run.sh starts this with mpirun. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranks.h"
#include "core/threads.h"
#include "model/gpt2.h"
#include "optim/harness.h"
#include "optim/registry.h"

typedef struct {
  int64_t position, wrong;
  int fill;
} Walk;

static void walk(const char *name, int64_t floats, float *data, void *with) {
  Walk *w = with;
  (void)name;
  for (int64_t i = 0; i < floats; i++, w->position++) {
    float want = (float)(w->position % 1000003);
    if (w->fill) data[i] = want;
    else w->wrong += data[i] != want;
  }
}

/* Every matrix and piece has one owner, and no rank's FLOPs are far above the mean. */
static int shares(const OptimizerState *s, const GPT2 *m, double *evenness) {
  int64_t weights = 0;
  double most = 0;
  for (int rank = 0; rank < ranks_count(); rank++) {
    RankShare share = optimizer_share(s, rank);
    weights += share.weights;
    most = fmax(most, share.flops);
  }
  *evenness = most * ranks_count() / optimizer_flops(s);
  return weights == gpt2_weights(m);
}

static int test(const Optimizer *method, GPT2 *m, int qkv_split) {
  OptimizerOptions common = {.lr = 1, .aux = {0.9, 0.95, 1e-8}, .qkv_split = qkv_split};
  char *options = calloc(1, method->options_size + 1);
  OptimizerState *s;
  Err err;
  double evenness;
  options_default(&(OptionSet){.title = method->name, .rows = method->options, .values = options});
  if (optimizer_open(&s, method, options, &common, m->params, m->param_count, 1, &err) ||
      optimizer_gather(s, 1, &err)) {
    printf("  FAILED: %s: %s\n", method->name, err.text);
    return 0;
  }
  Walk fill = {.fill = 1}, compare = {0};
  optimizer_visit(s, walk, &fill);
  optimizer_scatter(s, 1);
  int failed = optimizer_gather(s, 0, &err);
  if (rank_number() == 0) optimizer_visit(s, walk, &compare);
  optimizer_scatter(s, 0);
  int ok = !failed && compare.wrong == 0 &&
           (rank_number() > 0 || compare.position == fill.position);
  ok &= shares(s, m, &evenness);
  if (!ok)
    printf("  FAILED: %s, --qkv-split %d: %lld of %lld numbers differ\n", method->name, qkv_split,
           (long long)compare.wrong, (long long)fill.position);
  optimizer_close(s);
  free(options);
  return ok;
}

int main(void) {
  int passed = 0, failed = 0;
  const ModelOptions size = {.L = 2, .NH = 2, .C = 32, .context = 16, .V = 5000};
  GPT2 *m;
  Err err;
  if (ranks_start(&err) || gpt2_open(&m, &size, 1, 1, &err)) {
    printf("%s\n", err.text);
    return 1;
  }
  threads_start(1);
  for (int i = 0; optimizers[i]; i++)
    for (int split = QKV_THREE; split <= QKV_HEADS; split++) {
      if (ranks_most(!test(optimizers[i], m, split))) failed++;
      else passed++;
    }
  gpt2_close(m);
  if (rank_number() == 0) printf("state: %d passed, %d failed\n", passed, failed);
  ranks_end();
  return failed > 0;
}
