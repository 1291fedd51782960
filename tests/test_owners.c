/* Which rank owns which matrix: the most expensive first, whole matrices, even shares for gpt2 on
   four ranks with every method. Tests: optim/owners optim/units */
#include "optim/owners.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/gpt2.h"
#include "optim/harness.h"
#include "optim/registry.h"
#include "tests/check.h"

static Err err;

/* The costs of a method that declares the number of weights as its FLOPs. */
static double flops_are_weights(const Matrix *p, const void *options) {
  (void)options;
  return (double)(p->rows * p->cols);
}

static const Slot no_slots[] = {{0}};
static const Optimizer plain = {.name = "plain", .slots = no_slots, .accepts = accepts_matrices,
                                .flops = flops_are_weights};
static const Optimizer parts = {.name = "parts", .slots = no_slots, .accepts = accepts_all,
                                .flops = flops_are_weights, .elementwise = 1};

static Param matrix(int64_t rows, int64_t cols) {
  return (Param){.role = ROLE_MATRIX, .rows = rows, .cols = cols, .blocks = 1, .head_rows = 1,
                 .head_cols = 1};
}

static void test_longest_first(void) {
  const Param p[] = {matrix(3, 10), matrix(5, 10), matrix(2, 10), matrix(3, 10), matrix(3, 10)};
  /* 50 to rank 0; 30 and 30 to rank 1; 30 to rank 0; 20 to rank 1 */
  static const int owners[] = {1, 0, 1, 1, 0};
  int order[5];
  Units units;
  units_list(&units, &(Routing){.method = &plain}, p, 5);
  owners_order(&units, 5, order);
  check(order[0] == 1 && order[1] == 0 && order[2] == 3 && order[3] == 4 && order[4] == 2,
        "the order of the costs: %d %d %d %d %d", order[0], order[1], order[2], order[3], order[4]);
  owners_assign(&units, 2);
  for (int i = 0; i < 5; i++)
    check(units.list[i].owner == owners[i], "matrix %d: rank %d owns it", i, units.list[i].owner);
  check(owners_share(&units, 0).weights == 80 && owners_share(&units, 1).weights == 80,
        "two ranks own as much");
  units_free(&units);
}

/* Blocks of columns are not one after another in memory: one owner sends the whole parameter. */
static void test_columns(void) {
  Param p[] = {matrix(4, 12), matrix(6, 4)};
  char text[64];
  Units units;
  p[0].head_cols = 3;
  p[1].head_rows = 3;
  units_list(&units, &(Routing){.method = &plain, .qkv_split = QKV_HEADS}, p, 2);
  check(units.count == 6 && units.matrices == 6, "%d units", units.count);
  owners_assign(&units, 3);
  owners_text(&units, &p[0], text, sizeof text);
  check(strcmp(text, "0") == 0, "blocks of columns: ranks %s", text);
  owners_text(&units, &p[1], text, sizeof text);
  check(strcmp(text, "1 2 1") == 0, "blocks of rows: ranks %s", text);
  units_free(&units);
}

static void test_pieces(void) {
  const Param p[] = {matrix(1000, 1000)};
  char text[64];
  Units units;
  units_list(&units, &(Routing){.method = &parts}, p, 1);
  owners_assign(&units, 4);
  owners_text(&units, p, text, sizeof text);
  check(units.matrices == 0 && strcmp(text, "0 1 2 3") == 0, "pieces: ranks %s", text);
  for (int i = 0; i < 4; i++) {
    double share = (double)owners_share(&units, i).weights / 1e6;
    check(share > 0.2 && share < 0.3, "rank %d owns %g of an array", i, share);
  }
  units_free(&units);
}

/* Returns the largest share of the FLOPs over the mean. */
static double test_shares(OptimizerState *s, const char *name, int64_t weights, int ranks) {
  double most = 0, flops = 0, bytes = 0;
  int64_t owned = 0;
  optimizer_divide(s, ranks);
  for (int rank = 0; rank < ranks; rank++) {
    RankShare share = optimizer_share(s, rank);
    owned += share.weights;
    flops += share.flops;
    bytes += share.state_bytes;
    most = fmax(most, share.flops);
  }
  optimizer_divide(s, 1);
  check(owned == weights, "%s, %d ranks: %lld weights have an owner", name, ranks,
        (long long)owned);
  check_near(flops / optimizer_flops(s), 1, 1e-12, "%s, %d ranks: FLOPs", name, ranks);
  check_near(bytes, optimizer_share(s, 0).state_bytes, 1e-12, "%s, %d ranks: state", name, ranks);
  return most * ranks / flops;
}

static void test_method(const Optimizer *method, const GPT2 *gpt2) {
  OptimizerOptions common = {.lr = 1, .aux_lr = 1, .aux = {0.9, 0.95, 1e-8}};
  void *options = calloc(1, method->options_size + 1);
  options_default(&(OptionSet){.title = method->name, .rows = method->options, .values = options});
  OptimizerState *s = optimizer_plan(method, options, &common, gpt2->params, gpt2->param_count, 1);
  for (int ranks = 1; ranks <= 16; ranks *= 2) {
    double evenness = test_shares(s, method->name, gpt2_weights(gpt2), ranks);
    int embedding = strcmp(method->name, "mars") == 0; /* one whole matrix above the mean */
    check(method->decentralized || embedding || ranks > 4 || evenness <= 1.1,
          "%s, gpt2 on %d ranks: largest share over mean %.3f", method->name, ranks, evenness);
  }
  optimizer_close(s);
  free(options);
}

int main(void) {
  const ModelOptions size = {.L = 12, .NH = 12, .C = 768, .context = 1024, .V = 50257};
  GPT2 *gpt2;
  test_longest_first();
  test_columns();
  test_pieces();
  if (gpt2_plan(&gpt2, &size, 1, 1, &err)) check(0, "%s", err.text);
  for (int i = 0; optimizers[i]; i++) test_method(optimizers[i], gpt2);
  gpt2_close(gpt2);
  return check_report("owners");
}
