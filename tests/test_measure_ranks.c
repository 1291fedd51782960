/* The arithmetic of the model of a step on several nodes, on numbers that can be computed by
   hand. */
#include "tools/measure/ranks.h"

#include <math.h>

#include "optim/registry.h"
#include "tests/check.h"

static const ModelOptions size = {.L = 2, .NH = 2, .C = 64, .context = 32, .V = 257, .bias = 1};
static const double TOKENS = 4096;
static const Cluster cluster = {.gflops = 2, .optimizer_gflops = 3, .memory_gb = 5, .gbit = 1,
                                .latency_us = 40};
static double weights, flops; /* of the model, and of a token */

static RankSeconds step(const char *name, const Cluster *c, int nodes, const RanksChange *change) {
  RankSeconds s = {0};
  Err err = {""};
  const Optimizer *method = optimizer_find(name, &err);
  check(method && bench_ranks_step(&s, c, &size, method, TOKENS, nodes, change, &err) == 0,
        "%s on %d nodes: %s", name, nodes, err.text);
  return s;
}

static int near(double a, double b) { return fabs(a - b) <= 1e-12 + 1e-9 * fabs(b); }

static void open_model(void) {
  GPT2 *m;
  Err err = {""};
  check(gpt2_plan(&m, &size, 1, 1, &err) == 0, "%s", err.text);
  weights = (double)gpt2_weights(m);
  flops = gpt2_train_flops(m, size.context);
  gpt2_close(m);
}

static void test_one_node(void) {
  RankSeconds s = step("adamw", &cluster, 1, NULL);
  check(s.sum == 0 && s.copy == 0 && s.wait == 0, "one node sends nothing");
  check(near(s.pass, TOKENS * flops / 2e9), "passes: %g", s.pass);
  /* The norm reads gradients, clipping reads and writes them; AdamW reads them, and reads and
     writes two states and weights. */
  check(near(s.optimizer, (4 + 8 + 28) * weights / 5e9), "AdamW: %g", s.optimizer);
}

static void test_compute_only(void) {
  Cluster c = cluster;
  c.gbit = c.memory_gb = INFINITY;
  c.latency_us = 0;
  for (int nodes = 1; nodes <= 1024; nodes *= 4) {
    RankSeconds s = step("muon", &c, nodes, NULL);
    check(near(bench_ranks_total(&s), TOKENS / nodes * flops / 2e9 + s.optimizer),
          "an infinitely fast network and memory: %d nodes", nodes);
  }
}

static void test_bytes(void) {
  Cluster c = cluster;
  c.memory_gb = INFINITY;
  c.latency_us = 0;
  for (int nodes = 2; nodes <= 1024; nodes *= 2) { /* 125 MB/s */
    double all = 4 * weights / 125e6, others = nodes - 1;
    RankSeconds s = step("adamw", &c, nodes, NULL), d = step("demuon", &c, nodes, NULL);
    check(near(s.sum, 2 * others / nodes * all), "sum on %d nodes: %g", nodes, s.sum);
    check(s.copy >= others / nodes * all * (1 - 1e-9), "copy on %d nodes: %g", nodes, s.copy);
    if (nodes > 4) check(near(s.copy, others / nodes * all), "chain on %d nodes", nodes);
    check(near(d.copy, (nodes > 2 ? 4 : 2) * all) && d.sum == 0, "demuon on %d: %g", nodes, d.copy);
  }
}

/* The adding of the sums: two numbers are read and one is written. */
static void test_additions(void) {
  Cluster c = cluster;
  c.gbit = INFINITY;
  c.latency_us = 0;
  RankSeconds s = step("adamw", &c, 4, NULL);
  check(near(s.sum, 0.75 * 12 * weights / 5e9), "additions: %g", s.sum);
}

static void test_messages(void) {
  Cluster c = cluster;
  c.gbit = c.memory_gb = INFINITY;
  const struct {
    int nodes;
    double sum, copy, wait; /* messages one after another */
  } rows[] = {{2, 2, 1, 12}, {3, 4, 1, 24}, {8, 6, 7, 36}, {1024, 20, 1023, 120}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    RankSeconds s = step("adamw", &c, rows[i].nodes, NULL);
    check(near(s.sum, rows[i].sum * 40e-6) && near(s.copy, rows[i].copy * 40e-6) &&
          near(s.wait, rows[i].wait * 40e-6), "messages on %d nodes: %g %g %g", rows[i].nodes,
          s.sum / 40e-6, s.copy / 40e-6, s.wait / 40e-6);
  }
}

/* Muon's products divide until each expensive matrix has its own node; DeMuon's do not. */
static void test_optimizer(void) {
  Cluster c = cluster;
  c.memory_gb = INFINITY;
  double one = step("muon", &c, 1, NULL).optimizer, two = step("muon", &c, 2, NULL).optimizer;
  double many = step("muon", &c, 64, NULL).optimizer;
  check(two < 0.6 * one && two >= 0.5 * one, "Muon on two nodes: %g of %g", two, one);
  check(many == step("muon", &c, 1024, NULL).optimizer, "the largest matrix stays whole");
  check(near(step("demuon", &c, 8, NULL).optimizer, one),
        "each node of DeMuon updates all");
}

static void test_changes(void) {
  const RanksChange owner = {"", 1, 1, 0, 1}, half = {"", 1, 0.5, 0, 0}, hides = {"", 1, 1, 1, 0},
                    batch = {"", 4, 1, 0, 0};
  Cluster c = cluster;
  c.memory_gb = INFINITY;
  c.latency_us = 0;
  RankSeconds s = step("adamw", &c, 8, NULL);
  check(near(step("adamw", &c, 8, &owner).sum, s.sum / 2), "sums only for owners");
  check(near(step("adamw", &c, 8, &half).sum, s.sum / 2), "half of the bytes: sum");
  check(near(step("adamw", &c, 8, &half).copy, s.copy / 2), "half of the bytes: copy");
  check(near(step("adamw", &c, 8, &batch).pass, 4 * s.pass), "four times the batch");
  check(near(step("adamw", &c, 8, &hides).sum, fmax(0, s.sum - 2. / 3 * s.pass)), "hidden sum");
  c.gflops = 1e-3;
  check(step("adamw", &c, 8, &hides).sum == 0, "slow nodes hide the whole sum");
}

int main(void) {
  open_model();
  test_one_node();
  test_compute_only();
  test_bytes();
  test_additions();
  test_messages();
  test_optimizer();
  test_changes();
  return check_report("measure_ranks");
}
