/* Decentralized training: the weights of the graphs, gradient tracking against the equations of the
   paper in double, and Muon on the mean gradient. Tests: optim/graph optim/mixing optim/nodes
   optim/demuon */
#include "optim/nodes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optim/harness.h"
#include "optim/registry.h"
#include "tests/check.h"

static const char *const graph_names[] = {"complete", "ring", "exponential"};
static Err err;

/* ---- graphs ---- */

static void test_doubly_stochastic(int graph, int nodes) {
  int from[NODES_MAX], first = graph_neighbours(graph, nodes, 0, from);
  double columns[NODES_MAX] = {0};
  for (int i = 0; i < nodes; i++) {
    int degree = graph_neighbours(graph, nodes, i, from), itself = 0;
    double row = 0;
    for (int j = 0; j < degree; j++) {
      check(from[j] >= 0 && from[j] < nodes && (j == 0 || from[j] > from[j - 1]),
            "%s, %d nodes: neighbour %d of node %d", graph_names[graph], nodes, from[j], i);
      row += 1.0 / degree;
      columns[from[j]] += 1.0 / degree;
      itself |= from[j] == i;
    }
    check(itself && degree == first, "%s, %d nodes: node %d has %d neighbours, node 0 %d",
          graph_names[graph], nodes, i, degree, first);
    check_near(row, 1, 1e-12, "%s, %d nodes: row %d", graph_names[graph], nodes, i);
  }
  for (int j = 0; j < nodes; j++)
    check_near(columns[j], 1, 1e-12, "%s, %d nodes: column %d", graph_names[graph], nodes, j);
}

static void test_neighbours(int graph, int nodes, int i, int count, const int *want) {
  int from[NODES_MAX], got = graph_neighbours(graph, nodes, i, from);
  check(got == count && memcmp(from, want, (size_t)count * sizeof *want) == 0,
        "%s, %d nodes: the neighbours of node %d", graph_names[graph], nodes, i);
}

static void test_graphs(void) {
  for (int graph = GRAPH_COMPLETE; graph <= GRAPH_EXPONENTIAL; graph++)
    for (int nodes = 1; nodes <= 20; nodes++) test_doubly_stochastic(graph, nodes);
  test_neighbours(GRAPH_COMPLETE, 4, 1, 4, (int[]){0, 1, 2, 3});
  test_neighbours(GRAPH_RING, 5, 0, 3, (int[]){0, 1, 4});
  test_neighbours(GRAPH_RING, 2, 0, 2, (int[]){0, 1});
  test_neighbours(GRAPH_EXPONENTIAL, 8, 0, 4, (int[]){0, 4, 6, 7});
  test_neighbours(GRAPH_EXPONENTIAL, 6, 5, 4, (int[]){1, 3, 4, 5});
}

/* ---- tracking ---- */

enum { NODES = 5, ROWS = 6, COLS = 4, SIZE = ROWS * COLS, BIAS = 3, STEPS = 12 };

static float w[SIZE + BIAS], g[SIZE + BIAS];
static const Param model[] = {
    {.name = "matrix", .role = ROLE_MATRIX, .rows = ROWS, .cols = COLS, .blocks = 1,
     .head_rows = 1, .head_cols = 1, .decay = 1, .w = w, .g = g},
    {.name = "bias", .role = ROLE_VECTOR, .rows = 1, .cols = BIAS, .blocks = 1, .head_rows = 1,
     .head_cols = 1, .w = w + SIZE, .g = g + SIZE},
};

static Nodes *open_nodes(int graph) {
  Nodes *n;
  for (int k = 0; k < SIZE + BIAS; k++) w[k] = check_value(1, (uint64_t)k);
  if (nodes_open(&n, &(NodeOptions){NODES, graph}, model, 2, &err)) check(0, "%s", err.text);
  nodes_spread(n);
  return n;
}

/* The gradient of node i at step t. */
static double gradient(int i, int t, int k) {
  return (double)check_value((uint64_t)(2 + i + NODES * t), (uint64_t)k);
}

static void give_gradients(Nodes *n, int t) {
  for (int i = 0; i < NODES; i++) {
    nodes_enter(n, i);
    for (int k = 0; k < SIZE + BIAS; k++) g[k] = (float)gradient(i, t, k);
    nodes_leave(n, i);
  }
}

static const double MU = 0.8;

/* The paper's recursion of momentum M and tracking V (NODES,SIZE). */
static void paper_step(int graph, int t, double *M, double *V) {
  static double sum[NODES * SIZE];
  int from[NODES_MAX];
  for (int i = 0; i < NODES; i++)
    for (int k = 0; k < SIZE; k++) {
      double *m = &M[i * SIZE + k], old = *m;
      *m = MU * old + (1 - MU) * gradient(i, t, k);
      sum[i * SIZE + k] = V[i * SIZE + k] + *m - old;
    }
  memset(V, 0, NODES * SIZE * sizeof *V);
  for (int i = 0; i < NODES; i++) {
    int degree = graph_neighbours(graph, NODES, i, from);
    for (int j = 0; j < degree; j++)
      for (int k = 0; k < SIZE; k++) V[i * SIZE + k] += sum[from[j] * SIZE + k] / degree;
  }
}

static void test_tracking(int graph) {
  static double M[NODES * SIZE], V[NODES * SIZE], own[NODES * SIZE];
  Nodes *n = open_nodes(graph);
  memset(M, 0, sizeof M);
  memset(V, 0, sizeof V);
  memset(own, 0, sizeof own);
  for (int t = 0; t < STEPS; t++) {
    double worst = 0, off = 0;
    give_gradients(n, t);
    nodes_track(n);
    paper_step(graph, t, M, V);
    for (int k = 0; k < SIZE; k++) {
      double mean_own = 0, mean_m = 0;
      for (int i = 0; i < NODES; i++) {
        double *v = &own[i * SIZE + k];
        *v = MU * *v + (1 - MU) * (double)n->params[2 * i].g[k];
        worst = fmax(worst, fabs(*v - V[i * SIZE + k]));
        mean_own += *v / NODES;
        mean_m += M[i * SIZE + k] / NODES;
      }
      off = fmax(off, fabs(mean_own - mean_m));
    }
    check(worst < 2e-6, "%s, step %d: the momentum of the tracked gradient is off by %g from the "
          "tracked momentum", graph_names[graph], t, worst);
    check(off < 1e-6, "%s, step %d: mean of V - mean of M = %g", graph_names[graph], t, off);
  }
  nodes_close(n);
}

static void test_clip(void) {
  Nodes *n = open_nodes(GRAPH_RING);
  float tracked[SIZE + BIAS];
  for (int t = 0; t < 3; t++) {
    give_gradients(n, t);
    double norm = nodes_track(n);
    nodes_clip(n, t == 1 ? 0.5 : 0);
    double all = 0;
    for (int i = 0; i < NODES && t == 1; i++) {
      double sum = 0;
      for (int k = 0; k < SIZE; k++) sum += pow((double)n->params[2 * i].g[k], 2);
      for (int k = 0; k < BIAS; k++) sum += pow((double)n->params[2 * i + 1].g[k], 2);
      check_near(sqrt(sum), 0.5, 1e-5, "node %d: the clipped norm", i);
    }
    for (int i = 0; i < NODES; i++) all += n->norms[i] * n->norms[i] / NODES;
    check_near(norm, sqrt(all), 1e-12, "step %d: the norm of all nodes", t);
  }
  for (int k = 0; k < SIZE; k++) tracked[k] = n->params[0].g[k];
  nodes_close(n);
  n = open_nodes(GRAPH_RING);
  for (int t = 0; t < 3; t++) {
    give_gradients(n, t);
    nodes_track(n);
  }
  check(memcmp(tracked, n->params[0].g, SIZE * sizeof *tracked) == 0, "clipping changes tracking");
  nodes_close(n);
}

/* ---- weights ---- */

static void test_mix(int graph) {
  Nodes *n = open_nodes(graph);
  check(nodes_spacing(n) == 0, "equal weights are apart");
  double before[SIZE] = {0}, change = 0, spacing, last;
  for (int i = 0; i < NODES; i++)
    for (int k = 0; k < SIZE; k++) {
      n->params[2 * i].w[k] = check_value((uint64_t)(100 + i), (uint64_t)k);
      before[k] += (double)n->params[2 * i].w[k] / NODES;
    }
  last = nodes_spacing(n);
  nodes_mix(n);
  spacing = nodes_spacing(n);
  for (int k = 0; k < SIZE; k++) change = fmax(change, fabs(before[k] - (double)w[k]));
  check(change < 1e-6, "%s: mixing changes the mean by %g", graph_names[graph], change);
  if (graph == GRAPH_COMPLETE) check(spacing < 1e-7, "complete: still %g apart", spacing);
  else check(spacing > 0 && spacing < 0.8 * last, "%s: from %g to %g apart", graph_names[graph],
             last, spacing);
  nodes_close(n);
}

/* Two nodes of weights 1 + d and 1 - d have the consensus error d. */
static void test_spacing(void) {
  Nodes *n = open_nodes(GRAPH_COMPLETE);
  for (int i = 0; i < n->param_count; i++)
    for (int64_t k = 0; k < param_size(&n->params[i]); k++)
      n->params[i].w[k] = 1 + (i / 2 == 0 ? 0.5F : i / 2 == 1 ? -0.5F : 0);
  check_near(nodes_spacing(n), sqrt(0.5 / NODES), 1e-6, "the consensus error");
  nodes_close(n);
}

/* ---- DeMuon ---- */

static OptimizerState *open_method(const char *name, void *options, const OptimizerOptions *common,
                                   const Param *params, int count) {
  const Optimizer *method = optimizer_find(name, &err);
  OptimizerState *s;
  options_default(&(OptionSet){.title = name, .rows = method->options, .values = options});
  const Option *nesterov = option_find(method->options, "nesterov");
  if (nesterov) option_set(nesterov, options, "off", "test", &err);
  if (optimizer_open(&s, method, options, common, params, count, 1, &err))
    check(0, "%s", err.text);
  return s;
}

/* On the complete graph, with equal starts, every node makes the steps of Muon on the mean. */
static void test_is_muon(void) {
  _Alignas(max_align_t) char ours[1024], theirs[1024];
  OptimizerOptions common = {.lr = 0.1, .weight_decay = 0.1, .aux_lr = 0.01,
                             .aux = {0.9, 0.95, 1e-8}};
  float x[SIZE + BIAS], mean[SIZE + BIAS];
  Param one[] = {model[0], model[1]};
  one[0].w = x, one[0].g = mean;
  one[1].w = x + SIZE, one[1].g = mean + SIZE;
  Nodes *n = open_nodes(GRAPH_COMPLETE);
  memcpy(x, w, sizeof x);
  OptimizerState *demuon = open_method("demuon", ours, &common, n->params, n->param_count);
  OptimizerState *muon = open_method("muon", theirs, &common, one, 2);
  for (int t = 0; t < STEPS; t++) {
    give_gradients(n, t);
    nodes_track(n);
    for (int k = 0; k < SIZE + BIAS; k++) {
      double sum = 0;
      for (int i = 0; i < NODES; i++) sum += gradient(i, t, k);
      mean[k] = (float)(sum / NODES);
    }
    optimizer_step(demuon, t + 1, 1);
    optimizer_step(muon, t + 1, 1);
    nodes_mix(n);
    nodes_mean(n);
    double worst = 0;
    for (int k = 0; k < SIZE + BIAS; k++) worst = fmax(worst, fabs((double)(x[k] - w[k])));
    check(worst < 2e-5, "step %d: off by %g from Muon on the mean gradient", t, worst);
    check(nodes_spacing(n) < 1e-7, "step %d: the nodes are apart", t);
  }
  optimizer_close(demuon);
  optimizer_close(muon);
  nodes_close(n);
}

int main(void) {
  test_graphs();
  for (int graph = GRAPH_COMPLETE; graph <= GRAPH_EXPONENTIAL; graph++) {
    test_tracking(graph);
    test_mix(graph);
  }
  test_clip();
  test_spacing();
  test_is_muon();
  return check_report("nodes");
}
