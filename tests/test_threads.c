/* The number of threads: limits of the system, the load of other programs, and no effect of the
   load on results. Tests: core/threads core/processors */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/blas.h"
#include "core/file.h"
#include "core/lapack.h"
#include "core/processors.h"
#include "model/gpt2.h"
#include "optim/adamw.h"
#include "optim/harness.h"
#include "tests/check.h"
#include "tests/program.h"

extern const Optimizer muon, low_rank_muon;

/* Writes a file of a fake /proc or /sys and creates its folders. */
static void put(const char *name, const char *text) {
  char path[PATH_SIZE];
  Err err;
  char *slash = strrchr(program_path(path, "%s", name), '/');
  *slash = 0;
  check(folder_make(path, &err) == 0, "%s", path);
  *slash = '/';
  program_write(path, text, strlen(text));
}

static double limit_under(const char *root) {
  char path[PATH_SIZE];
  return processors_limit(program_path(path, "%s", root));
}

static void test_limits(void) {
  put("v2/proc/self/cgroup", "0::/user/job\n");
  put("v2/sys/fs/cgroup/user/job/cpu.max", "50000 100000\n");
  check_near(limit_under("v2"), 0.5, 0, "cgroup v2: half a processor");
  put("above/proc/self/cgroup", "0::/user/job\n");
  put("above/sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
  put("above/sys/fs/cgroup/user/cpu.max", "150000 100000\n");
  check_near(limit_under("above"), 1.5, 0, "cgroup v2: the group above limits");
  put("inside/proc/self/cgroup", "0::/not/visible/here\n");
  put("inside/sys/fs/cgroup/cpu.max", "200000 100000\n");
  check_near(limit_under("inside"), 2, 0, "cgroup v2: in a container");
  put("free/proc/self/cgroup", "0::/\n");
  put("free/sys/fs/cgroup/cpu.max", "max 100000\n");
  check_near(limit_under("free"), 0, 0, "cgroup v2: no limit");
  put("v1/proc/self/cgroup", "5:cpuset:/a\n4:cpu,cpuacct:/docker/f00\n1:name=systemd:/\n");
  put("v1/sys/fs/cgroup/cpu,cpuacct/docker/f00/cpu.cfs_quota_us", "25000\n");
  put("v1/sys/fs/cgroup/cpu,cpuacct/docker/f00/cpu.cfs_period_us", "100000\n");
  check_near(limit_under("v1"), 0.25, 0, "cgroup v1");
  put("v1free/proc/self/cgroup", "4:cpuset:/\n3:cpu:/\n");
  put("v1free/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  put("v1free/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  check_near(limit_under("v1free"), 0, 0, "cgroup v1: no limit");
  put("broken/proc/self/cgroup", "nonsense\n0:\n::::\n\n");
  check_near(limit_under("broken"), 0, 0, "a broken /proc/self/cgroup");
  check_near(limit_under("missing"), 0, 0, "no /proc");
}

/* One of the processors that this process may use is busy for a second more. */
static void test_load(void) {
  char path[PATH_SIZE], before[65536] = "cpu 0\n", after[65536] = "cpu 0\n";
  ProcessorTimes from = {0}, to = {0};
  if (processors_times(&from, "")) return; /* not Linux */
  for (int i = 0; i < 512; i++) {
    size_t a = strlen(before), b = strlen(after);
    snprintf(before + a, sizeof before - a, "cpu%d 100 50 100 900 7 1 1 5 0 0\n", i);
    snprintf(after + b, sizeof after - b, "cpu%d 150 50 140 900 99 6 6 95 0 0\n", i);
  }
  put("stat/proc/stat", before);
  check(processors_times(&from, program_path(path, "stat")) == 0, "/proc/stat");
  put("stat/proc/stat", after);
  check(processors_times(&to, path) == 0, "/proc/stat again");
  from.clock = 0, from.own = 0;
  to.clock = 2, to.own = to.processors * 0.5;
  check_near(processors_taken(&from, &to), to.processors * 0.25, 1e-12, "%d processors",
             to.processors);
  to.own = 1e9;
  check_near(processors_taken(&from, &to), 0, 0, "own time beyond all of it");
  check(processors_times(&to, "/nowhere") != 0, "no /proc/stat");
}

static void test_beside(void) {
  static const struct {
    int total, processors;
    double taken;
    int want;
  } rows[] = {
      {2, 2, 0, 2},   {2, 2, 0.3, 2}, {2, 2, 0.67, 1}, {2, 2, 1, 1},   {2, 2, 2, 1},
      {8, 8, 1, 7},   {8, 8, 7.9, 1}, {4, 64, 30, 4},  {4, 64, 62, 2}, {1, 4, 3, 1},
      {8, 2, 0.2, 2}, {2, 2, 5, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int got = threads_beside(rows[i].total, rows[i].processors, rows[i].taken);
    check(got == rows[i].want, "%d threads, %d processors, %g taken: %d, not %d", rows[i].total,
          rows[i].processors, rows[i].taken, got, rows[i].want);
  }
}

/* Every product and factorization into one array. */
enum { N = 150, K = 300, RESULTS = N * K + 3 * N * N + N * K };

static void products(float *out) {
  float *A = out, *C = A + N * K;
  QrWork qr;
  EigenWork eigen;
  Scratch scratch = {0};
  double *D, *E, values[N];
  void *memory = NULL;
  for (int pass = 0; pass < 2; pass++) {
    D = scratch_doubles(&scratch, N * N);
    E = scratch_doubles(&scratch, N * N);
    qr_layout(&qr, &scratch, N);
    eigen_layout(&eigen, &scratch, N);
    if (pass == 0) memory = scratch_allocate(&scratch);
  }
  memset(D, 0, N * N * sizeof *D);
  for (int i = 0; i < N * K; i++) A[i] = check_value(1, (uint64_t)i);
  for (int i = 0; i < N * N; i++) E[i] = A[i];
  gemm(PLAIN, TRANSPOSED, N, N, K, 1, A, K, A, K, 0, C, N);
  gram(PLAIN, N, K, A, K, C + N * N);
  gram_add_double(N, N, E, D);
  symmetric_eigen(D, values, N, &eigen);
  for (int i = 0; i < N * N; i++) C[2 * N * N + i] = (float)D[i];
  memcpy(C + 3 * N * N, A, N * K * sizeof *A);
  orthonormal_columns(C + 3 * N * N, K, N, &qr);
  free(memory);
}

static void test_products(int total) {
  float *want = calloc(RESULTS, sizeof *want), *got = calloc(RESULTS, sizeof *got);
  threads_start(total);
  products(want);
  for (int computing = 1; computing < total; computing++) {
    threads_compute(computing);
    products(got);
    check(memcmp(want, got, RESULTS * sizeof *got) == 0, "products: %d of %d threads", computing,
          total);
  }
  free(want), free(got);
}

/* The weights after three steps; with a load that changes between them if `changing`. */
static uint64_t train(const Optimizer *method, int total, int changing) {
  static const ModelOptions size = {.L = 2, .NH = 2, .C = 96, .context = 40, .V = 300,
                                   .init_sd = 0.02};
  enum { B = 6, N_TOKENS = 6 * 40 };
  OptimizerOptions common;
  void *options = calloc(1, method->options_size + 1);
  OptimizerState *state;
  int32_t tokens[N_TOKENS + 1];
  GPT2 *m;
  Err err;
  uint64_t hash = 0;
  threads_start(total);
  for (int i = 0; i <= N_TOKENS; i++) tokens[i] = (int32_t)(check_splitmix((uint64_t)i) % 300);
  options_default(&(OptionSet){.title = "optimizer", .rows = optimizer_options, .values = &common});
  options_default(&(OptionSet){.title = "method", .rows = method->options, .values = options});
  check(gpt2_open(&m, &size, B, 1, &err) == 0 &&
            optimizer_open(&state, method, options, &common, m->params, m->param_count, 1, &err) ==
                0, "%s: %s", method->name, err.text);
  gpt2_init(m, 1);
  for (int t = 1; t <= 3; t++) {
    if (changing) threads_compute(1 + (t - 1) % total);
    Batch batch = {.x = tokens, .y = tokens + 1, .B = B, .T = size.context};
    gpt2_loss_gradient(m, &batch, 1.0 / N_TOKENS, 0);
    gpt2_backward(m);
    optimizer_step(state, t, 1);
  }
  for (int i = 0; i < m->param_count; i++)
    for (int64_t j = 0; j < param_size(&m->params[i]); j++) {
      uint32_t bits;
      memcpy(&bits, &m->params[i].w[j], sizeof bits);
      hash = check_splitmix(hash ^ bits);
    }
  optimizer_close(state);
  gpt2_close(m);
  free(options);
  return hash;
}

static void test_training(void) {
  const Optimizer *methods[] = {&adamw, &muon, &low_rank_muon};
  for (int total = 2; total <= 5; total++) /* matrices side by side, and one after the other */
    for (int i = 0; i < 3; i++)
      check(train(methods[i], total, 0) == train(methods[i], total, 1),
            "%s: the load changes the bits of %d threads", methods[i]->name, total);
}

static void test_start(void) {
  setenv("OMP_NUM_THREADS", "100000", 1);
  int most = threads_start(0);
  check(most >= 1 && most < 100000 && *threads_note(), "OMP_NUM_THREADS=100000: %d threads, \"%s\"",
        most, threads_note());
  setenv("OMP_NUM_THREADS", "3,2", 1);
  check(threads_start(0) == 3 && !*threads_note(), "OMP_NUM_THREADS=3,2: %d", threads_count());
  check(threads_start(2) == 2, "--threads 2 with OMP_NUM_THREADS=3,2: %d", threads_count());
  setenv("OMP_NUM_THREADS", "-7", 1);
  check(threads_start(0) == processors_usable(), "OMP_NUM_THREADS=-7: %d", threads_count());
  unsetenv("OMP_NUM_THREADS");
  check(threads_start(0) == processors_usable(), "one per processor: %d", threads_count());
  check(threads_start(4096) <= 4096 && threads_count() >= 64, "4096 threads: %d", threads_count());
}

int main(void) {
  program_folder("threads");
  test_limits();
  test_load();
  test_beside();
  if (threads_start(2) == 2) {
    test_products(2);
    test_products(3);
    test_training();
    test_start();
  } else { /* a serial OpenBLAS; or built without OpenMP, where OpenBLAS has the threads */
    check(threads_count() == 1, "one thread, not %d", threads_count());
#ifdef _OPENMP
    check(*threads_note(), "the serial build is not named");
#endif
  }
  return check_report("threads");
}
