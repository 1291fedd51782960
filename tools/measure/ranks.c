#include "tools/measure/ranks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "optim/harness.h"
#include "optim/registry.h"

#define FIELD(member) offsetof(Cluster, member)
const Option cluster_options[] = {
    {.name = "gflops", .help = "GFLOP/s of a node in forward and backward",
     .type = OPTION_REAL, .at = FIELD(gflops), .fallback = "500", .min = 1e-3, .max = 1e9},
    {.name = "optimizer-gflops", .help = "GFLOP/s of a node in the optimizer's products",
     .type = OPTION_REAL, .at = FIELD(optimizer_gflops), .fallback = "500", .min = 1e-3,
     .max = 1e9},
    {.name = "memory-gb", .help = "GB/s of a node's memory",
     .type = OPTION_REAL, .at = FIELD(memory_gb), .fallback = "50", .min = 1e-3, .max = 1e6},
    {.name = "gbit", .help = "Gbit/s of a node's link, in each direction",
     .type = OPTION_REAL, .at = FIELD(gbit), .fallback = "10", .min = 1e-6, .max = 1e6},
    {.name = "latency-us", .help = "Latency of a message in microseconds",
     .type = OPTION_REAL, .at = FIELD(latency_us), .fallback = "50", .max = 1e9},
    {0},
};

enum { SMALL_MESSAGES = 6 }; /* sums of single numbers in a step: the loss, stop, save, ... */

/* A plan of the method's state for the model. */
typedef struct {
  OptimizerOptions common;
  void *options;
  OptimizerState *state;
} Plan;

static void plan_open(Plan *p, const Optimizer *method, const GPT2 *m) {
  const OptionSet set = {.title = method->name, .rows = method->options,
                         .values = p->options = calloc(1, method->options_size + 1)};
  p->common = (OptimizerOptions){.lr = 1, .aux_lr = 1, .aux = {0.9, 0.95, 1e-8}};
  options_default(&set);
  p->state = optimizer_plan(method, p->options, &p->common, m->params, m->param_count, 1);
}

/* Elementwise updates are bound by memory: they read gradients, and read and write state and
   weights. */
static double optimizer_seconds(OptimizerState *state, const Cluster *c, int ranks) {
  double most = 0;
  optimizer_divide(state, ranks);
  for (int rank = 0; rank < ranks; rank++) {
    RankShare share = optimizer_share(state, rank);
    double bytes = 2 * share.state_bytes + 12 * (double)share.weights;
    most = fmax(most, fmax(share.flops / c->optimizer_gflops, bytes / c->memory_gb) / 1e9);
  }
  return most;
}

/* Seconds of the parts of a step on `nodes` nodes. */
typedef struct {
  double pass, sum, optimizer, copy, wait; /* wait: the latency of small messages */
} RankSeconds;

/* `method` with default options on a global batch of `tokens`; with `gossip` every
   node updates all matrices and exchanges weights and a tracked gradient with two neighbours, as
   DeMuon on a ring. Error: the sizes make no model. */
static int predict(RankSeconds *s, const Cluster *c, const ModelOptions *size,
                   const Optimizer *method, int gossip, double tokens, int nodes, Err *err) {
  GPT2 *m;
  Plan plan;
  if (gpt2_plan(&m, size, 1, 1, err)) return -1;
  double bytes = (double)sizeof(float) * (double)gpt2_weights(m), link = 1e9 * c->gbit / 8;
  double others = nodes - 1, latency = 1e-6 * c->latency_us, depth = ceil(log2(nodes));
  plan_open(&plan, method, m);
  /* Two passes over the weights for the norm and to clip. */
  *s = (RankSeconds){
      .pass = tokens / nodes * gpt2_train_flops(m, size->context) / (1e9 * c->gflops) +
              2 * bytes / (1e9 * c->memory_gb),
      .optimizer = optimizer_seconds(plan.state, c, gossip ? 1 : nodes),
      .wait = SMALL_MESSAGES * 2 * depth * latency};
  if (!gossip) { /* a ring: each node sends the other parts twice, in 2 N messages */
    s->sum = 2 * others / nodes * bytes / link + 2 * others * latency;
    s->copy = others / nodes * bytes / link + depth * latency;
  } else { /* weights and tracked gradients to two neighbours; one link if there are two nodes */
    s->copy = fmin(others, 2) * (2 * bytes / link + latency);
  }
  optimizer_close(plan.state);
  free(plan.options);
  gpt2_close(m);
  return 0;
}

static double total(const RankSeconds *s) {
  return s->pass + s->sum + s->optimizer + s->copy + s->wait;
}

static int print_method(const char *name, const Optimizer *method, int gossip,
                        const ModelOptions *size, double tokens, int most, const Cluster *c,
                        Err *err) {
  double one = 0, before = INFINITY;
  int stops = 0;
  for (int nodes = 1; nodes <= most; nodes *= 2) {
    RankSeconds s;
    if (predict(&s, c, size, method, gossip, tokens, nodes, err)) return -1;
    double step = total(&s);
    if (nodes == 1) one = step;
    if (!stops && nodes > 1 && step > before / 1.25) stops = nodes / 2;
    before = step;
    printf("%-14s %6d %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f %8.1f%%\n", name, nodes, step, s.pass,
           s.sum, s.optimizer, s.copy, s.wait, 100 * one / step / nodes);
  }
  if (stops) printf("%s: more than %d nodes: twice as many are less than 1.25 times as fast\n\n",
                    name, stops);
  else printf("%s: scales to %d nodes\n\n", name, most);
  return 0;
}

int bench_ranks(const ModelOptions *size, int64_t batch, int most, const Cluster *c, Err *err) {
  static const struct {
    const char *name, *method;
    int gossip;
  } rows[] = {{"adamw", "adamw", 0}, {"muon", "muon", 0}, {"low-rank-muon", "low-rank-muon", 0},
              {"demuon, ring", "muon", 1}};
  double tokens = (double)(batch * size->context);
  printf("predicted seconds of a step of %.0f tokens; nodes: %g and %g GFLOP/s, %g GB/s of memory; "
         "links: %g Gbit/s, %g us\n%-14s %6s %9s %9s %9s %9s %9s %9s %9s\n", tokens, c->gflops,
         c->optimizer_gflops, c->memory_gb, c->gbit, c->latency_us, "method", "nodes", "step",
         "passes", "sum", "optimizer", "copy", "latency", "of linear");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const Optimizer *method = optimizer_find(rows[i].method, err);
    if (!method || print_method(rows[i].name, method, rows[i].gossip, size, tokens, most, c, err))
      return -1;
  }
  return 0;
}
