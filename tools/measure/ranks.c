#include "tools/measure/ranks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "optim/harness.h"
#include "optim/registry.h"

/* The rates of nodes are those of two cores of an AMD EPYC (Zen 4): docs/speed.md. */
#define FIELD(member) offsetof(Cluster, member)
const Option cluster_options[] = {
    {.name = "gflops", .help = "GFLOP/s of a node in forward and backward",
     .type = OPTION_REAL, .at = FIELD(gflops), .fallback = "155", .min = 1e-3, .max = 1e9},
    {.name = "optimizer-gflops", .help = "GFLOP/s of a node in the optimizer's products",
     .type = OPTION_REAL, .at = FIELD(optimizer_gflops), .fallback = "168", .min = 1e-3,
     .max = 1e9},
    {.name = "memory-gb", .help = "GB/s of a node's memory",
     .type = OPTION_REAL, .at = FIELD(memory_gb), .fallback = "36", .min = 1e-3, .max = 1e6},
    {.name = "gbit", .help = "Gbit/s of a node's link, in each direction",
     .type = OPTION_REAL, .at = FIELD(gbit), .fallback = "10", .min = 1e-6, .max = 1e6},
    {.name = "latency-us", .help = "Latency of a message in microseconds",
     .type = OPTION_REAL, .at = FIELD(latency_us), .fallback = "50", .max = 1e9},
    {0},
};

enum {
  SHORT_SUMS = 6, /* of single numbers in a step: the loss, the norm, stop, save, ... */
  FEW = 4,        /* nodes to which an owner sends its weights itself */
  NORM_AND_CLIP = 3, /* passes over the gradients: read; read and write */
};
static const double BACKWARD = 2.0 / 3; /* of forward and backward */

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

/* Weights of the rank that owns most, of a divided plan. */
static double most_weights(const OptimizerState *state, int ranks) {
  double most = 0;
  for (int rank = 0; rank < ranks; rank++)
    most = fmax(most, (double)optimizer_share(state, rank).weights);
  return most;
}

/* The owners send their weights: to few nodes each one itself; to more through a chain in which all
   of them send at the same time. */
static double copy_seconds(const OptimizerState *state, int nodes, double bytes, double link,
                           double latency) {
  double others = nodes - 1;
  return nodes > FEW ? others / nodes * bytes / link + others * latency
                     : sizeof(float) * most_weights(state, nodes) * others / link + latency;
}

/* A sum by halving: each node sends half of the numbers, then a quarter, ... and adds what it
   receives; the sums come back in the same way. Among other numbers of nodes than powers of two a
   ring sends as much in more messages. */
static double sum_seconds(int nodes, double bytes, const Cluster *c, const RanksChange *change) {
  double moved = (nodes - 1.0) / nodes * bytes, depth = log2(nodes);
  double messages = fmod(depth, 1) == 0 ? 2 * depth : 2 * (nodes - 1.0);
  double ways = change->owners_only ? 1 : 2; /* there, and back */
  return ways * change->bytes * moved / (1e9 * c->gbit / 8) + 3 * moved / (1e9 * c->memory_gb) +
         messages * 1e-6 * c->latency_us;
}

int bench_ranks_step(RankSeconds *s, const Cluster *c, const ModelOptions *size,
                     const Optimizer *method, double tokens, int nodes, const RanksChange *change,
                     Err *err) {
  static const RanksChange none = {.batch = 1, .bytes = 1};
  GPT2 *m;
  Plan plan;
  if (gpt2_plan(&m, size, 1, 1, err)) return -1;
  if (!change) change = &none;
  double bytes = (double)sizeof(float) * (double)gpt2_weights(m), link = 1e9 * c->gbit / 8;
  double latency = 1e-6 * c->latency_us, depth = ceil(log2(nodes));
  double products = change->batch * tokens / nodes * gpt2_train_flops(m, size->context);
  plan_open(&plan, method, m);
  *s = (RankSeconds){
      .pass = products / (1e9 * c->gflops),
      .optimizer = NORM_AND_CLIP * bytes / (1e9 * c->memory_gb) +
                   optimizer_seconds(plan.state, c, method->decentralized ? 1 : nodes),
      .wait = SHORT_SUMS * 2 * depth * latency};
  if (method->decentralized) {
    /* A ring: a tracked gradient and weights to two neighbours, or one; read them, write a mean. */
    double neighbours = fmin(nodes - 1, 2), means = nodes > 1 ? 2 * (neighbours + 2) : 0;
    s->copy = neighbours * 2 * change->bytes * bytes / link + means * bytes / (1e9 * c->memory_gb) +
              (nodes > 1 ? 2 * latency : 0);
  } else if (nodes > 1) {
    s->sum = sum_seconds(nodes, bytes, c, change);
    if (change->hides_sum) s->sum = fmax(0, s->sum - BACKWARD * s->pass);
    s->copy = copy_seconds(plan.state, nodes, change->bytes * bytes, link, latency);
  }
  optimizer_close(plan.state);
  free(plan.options);
  gpt2_close(m);
  return 0;
}

double bench_ranks_total(const RankSeconds *s) {
  return s->pass + s->sum + s->optimizer + s->copy + s->wait;
}

/* ---- tables ---- */

enum { METHODS = 4 };
static const double WORTH = 1.25; /* the least gain from twice as many nodes */

static int print_method(const Optimizer *method, const ModelOptions *size, double tokens, int most,
                        const Cluster *c, Err *err) {
  double one = 0, before = INFINITY;
  int stops = 0, half = 1;
  for (int nodes = 1; nodes <= most; nodes *= 2) {
    RankSeconds s;
    if (bench_ranks_step(&s, c, size, method, tokens, nodes, NULL, err)) return -1;
    double step = bench_ranks_total(&s);
    if (nodes == 1) one = step;
    if (!stops && nodes > 1 && step > before / WORTH) stops = nodes / 2;
    if (one / step / nodes >= 0.5) half = nodes;
    before = step;
    printf("%-14s %6d %9.4f %9.4f %9.4f %9.4f %9.4f %9.4f %8.1f%%\n", method->name, nodes, step,
           s.pass, s.sum, s.optimizer, s.copy, s.wait, 100 * one / step / nodes);
  }
  printf("%s: half of linear speed or more up to %d nodes; ", method->name, half);
  if (stops)
    printf("stops scaling at %d: twice as many are less than %g times as fast\n\n", stops, WORTH);
  else printf("scales to %d\n\n", most);
  return 0;
}

/* Speed as a fraction of `nodes` times that of one node, after each change. */
static int print_changes(const Optimizer *const methods[METHODS], const ModelOptions *size,
                         double tokens, int nodes, const Cluster *c, Err *err) {
  static const RanksChange changes[] = {
      {"nothing is changed", 1, 1, 0, 0},
      {"only the owner of a matrix gets its sum", 1, 1, 0, 1},
      {"the sum is done during the backward pass", 1, 1, 1, 0},
      {"sums and copies in bfloat16", 1, 0.5, 0, 0},
      {"all three", 1, 0.5, 1, 1},
      {"four times the batch", 4, 1, 0, 0},
  };
  printf("%% of linear on %d nodes, if", nodes);
  for (int i = 0; i < METHODS; i++) printf("%*s", i ? 15 : 30, methods[i]->name);
  for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
    printf("\n%-42s", changes[k].text);
    for (int i = 0; i < METHODS; i++) {
      RankSeconds one, all;
      if (bench_ranks_step(&one, c, size, methods[i], tokens, 1, &changes[k], err) ||
          bench_ranks_step(&all, c, size, methods[i], tokens, nodes, &changes[k], err))
        return -1;
      printf("%15.1f", 100 * bench_ranks_total(&one) / bench_ranks_total(&all) / nodes);
    }
  }
  putchar('\n');
  return 0;
}

int bench_ranks(const ModelOptions *size, int64_t batch, int most, const Cluster *c, Err *err) {
  static const char *const names[METHODS] = {"adamw", "muon", "low-rank-muon", "demuon"};
  const Optimizer *methods[METHODS];
  double tokens = (double)(batch * size->context);
  int last = 1;
  while (2 * last <= most) last *= 2;
  printf("predicted seconds of a step of %.0f tokens; nodes: %g and %g GFLOP/s, %g GB/s of memory; "
         "links: %g Gbit/s, %g us; demuon on a ring\n%-14s %6s %9s %9s %9s %9s %9s %9s %9s\n",
         tokens, c->gflops, c->optimizer_gflops, c->memory_gb, c->gbit, c->latency_us, "method",
         "nodes", "step", "passes", "sum", "optimizer", "copy", "latency", "of linear");
  for (int i = 0; i < METHODS; i++)
    if (!(methods[i] = optimizer_find(names[i], err)) ||
        print_method(methods[i], size, tokens, most, c, err))
      return -1;
  return print_changes(methods, size, tokens, last, c, err);
}
