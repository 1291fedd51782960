/* Measures training steps and optimizers together with the machine's ceilings, in one run, so that
   the ratios are right on a noisy machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/memory.h"
#include "core/precision.h"
#include "core/startup.h"
#include "optim/adamw.h"
#include "run/program.h"
#include "tools/measure/optimizers.h"
#include "tools/measure/ranks.h"
#include "tools/measure/step.h"

#define NANO {.L = 4, .NH = 4, .C = 128, .context = 128, .V = 4096}
#define MICRO {.L = 6, .NH = 6, .C = 384, .context = 256, .V = 4096}
#define GPT2_SIZE(T) {.L = 12, .NH = 12, .C = 768, .context = T, .V = 50257}

static const BenchCase cases[] = {
    {"nano 16x128", NANO, 16, 31},
    {"micro 8x256", MICRO, 8, 15},
    {"gpt2 4x64", GPT2_SIZE(64), 4, 15},
    {"gpt2 4x256", GPT2_SIZE(256), 4, 11},
    {"gpt2 2x1024", GPT2_SIZE(1024), 2, 7},
};
enum { CASES = sizeof cases / sizeof *cases, GPT2_CASE = 2 };

/* A size that the user gives instead of the cases. */
typedef struct {
  ModelOptions model;
  int64_t batch, rounds;
  int precision; /* also of the cases */
} OwnCase;

#define FIELD(member) offsetof(OwnCase, member)
static const Option own_options[] = {
    {.name = "batch", .help = "Sequences per step",
     .type = OPTION_INT, .at = FIELD(batch), .fallback = "16", .min = 1, .max = 1e6},
    {.name = "rounds", .help = "Steps to measure",
     .type = OPTION_INT, .at = FIELD(rounds), .fallback = "7", .min = 1, .max = ROUNDS_MAX},
    PRECISION_OPTION(OwnCase, precision, .min = 0),
    {0},
};

typedef int Measure(const BenchCase *c, Err *err);

static int step_of(const BenchCase *c, Err *err) { return bench_step(c, &adamw, err); }
static int parts_of(const BenchCase *c, Err *err) { return bench_parts(c, &adamw, err); }
static int precision_of(const BenchCase *c, Err *err) { return bench_precision(c, &adamw, err); }
static int optimizers_of(const BenchCase *c, Err *err) {
  return bench_optimizers(c->name, &c->size, c->B * c->size.context, c->size.C > 512 ? 1 : 5, err);
}
static int plain_of(const BenchCase *c, Err *err) {
  return bench_against_plain("gpt2", &c->size, 5, err);
}

static const struct {
  const char *name, *about;
  Measure *measure;
  int first, last; /* the cases that are measured unless one is named */
} tables[] = {
    {"steps", "speed of whole steps, as a fraction of the sgemm ceiling", step_of, 0, CASES - 1},
    {"parts", "time of each part of a step, compared with its limit", parts_of, 0, CASES - 1},
    {"precision", "whole steps in fp32, bf16 and bf16x3, in turn", precision_of, 0, CASES - 1},
    /* gpt2's table takes five minutes: SOAP and AdaDiag start with eigenvectors of 3072 x 3072. */
    {"optimizers", "one step of each method", optimizers_of, 0, GPT2_CASE - 1},
    {"plain", "Muon and low-rank Muon against plain Newton-Schulz", plain_of,
     GPT2_CASE, GPT2_CASE},
};
enum { TABLES = sizeof tables / sizeof *tables };

typedef struct {
  int64_t batch, nodes;
} RanksCase;

static const Option ranks_options[] = {
    {.name = "batch", .help = "Sequences of all nodes per step",
     .type = OPTION_INT, .at = offsetof(RanksCase, batch), .fallback = "1024",
     .min = 1, .max = 1e9},
    {.name = "nodes", .help = "Most nodes",
     .type = OPTION_INT, .at = offsetof(RanksCase, nodes), .fallback = "1024",
     .min = 1, .max = 4096},
    {0},
};

static void help(FILE *out) {
  fprintf(out, "Measures training steps and optimizers against what the machine can do.\n\n"
               "  tools/bench                         all tables\n"
               "  tools/bench TABLE [CASE]            one table, one case\n"
               "  tools/bench TABLE --context 1024 --batch 2 ...  another size\n"
               "  tools/bench TABLE [CASE] --precision bf16       with ceilings in bf16\n\n"
               "TABLE:\n");
  for (int i = 0; i < TABLES; i++) fprintf(out, "  %-12s %s\n", tables[i].name, tables[i].about);
  fprintf(out, "  %-12s predicted steps of gpt2, or another size, on 1 to 1,024 nodes\n", "ranks");
  fprintf(out, "CASE, or a part of its name:\n ");
  for (int i = 0; i < CASES; i++) fprintf(out, "%s %s", i ? "," : "", cases[i].name);
  fprintf(out, "\n\n");
  options_help(out, &(OptionSet){.title = "model", .rows = model_options});
  fputc('\n', out);
  options_help(out, &(OptionSet){.title = "measurement", .rows = own_options});
  options_help(out, &(OptionSet){.title = "ranks", .rows = ranks_options});
  options_help(out, &(OptionSet){.title = "cluster, of ranks", .rows = cluster_options});
}

/* Reads the options and sets the precision; *own says whether they give a size. */
static int read_options(BenchCase *c, int *is_own, int argc, char **argv, Err *err) {
  OwnCase own;
  Settings settings = {0};
  const OptionSet sets[] = {{.title = "model", .rows = model_options, .values = &own.model},
                            {.title = "bench", .rows = own_options, .values = &own},
                            {0}};
  int status = settings_read(&settings, argc, argv, err) ||
               options_apply(sets, NULL, &settings, err) ? -1 : 0;
  *is_own = settings.count > (settings_find(&settings, "precision", NULL) != NULL);
  settings_free(&settings);
  if (status) return -1;
  *c = (BenchCase){"given size", own.model, own.batch, (int)own.rounds};
  precision_set((Precision)own.precision);
  return precision_start(err);
}

/* Runs a table on the cases whose name contains `only`; returns how many, or -1. */
static int run_table(int table, const char *only, Err *err) {
  int count = 0, every = !only;
  if (tables[table].measure == step_of) bench_step_header();
  for (int i = 0; i < CASES; i++) {
    if (every ? i < tables[table].first || i > tables[table].last : !strstr(cases[i].name, only))
      continue;
    count++;
    if (tables[table].measure(&cases[i], err)) return -1;
    if (!every && tables[table].measure == optimizers_of) break;
  }
  return count;
}

/* Adds the sizes of a preset, without its settings of a run. */
static int add_sizes(Settings *s, const char *name, Err *err) {
  const char *preset = model_preset(name);
  Settings all = {0};
  int status = preset ? settings_preset(&all, FROM_PRESET, name, preset, err) : 0;
  for (int i = 0; i < all.count && status == 0; i++)
    for (const Option *o = model_options; o->name; o++)
      if (strcmp(o->name, all.items[i].name) == 0)
        status = settings_add(s, FROM_PRESET, name, o->name, all.items[i].value, err);
  settings_free(&all);
  return status;
}

/* gpt2 unless options give another model or other sizes. */
static int ranks_table(int argc, char **argv, Err *err) {
  Cluster cluster;
  ModelOptions model;
  RanksCase own;
  Settings settings = {0};
  const OptionSet sets[] = {{.title = "model", .rows = model_options, .values = &model},
                            {.title = "nodes", .rows = ranks_options, .values = &own},
                            {.title = "cluster", .rows = cluster_options, .values = &cluster},
                            {0}};
  int status = settings_read(&settings, argc, argv, err);
  const char *name = status ? NULL : settings_find(&settings, "model", NULL);
  status = status || add_sizes(&settings, name ? name : "gpt2", err) ||
           options_apply(sets, NULL, &settings, err);
  settings_free(&settings);
  if (status) return EXIT_USAGE;
  return bench_ranks(&model, own.batch, (int)own.nodes, &cluster, err) ? EXIT_FAILED : EXIT_DONE;
}

static int run(int argc, char **argv, Err *err) {
  char **words = memory_take((size_t)argc + 1, sizeof *words);
  int own, table = 0, count = program_words(&argc, argv, words);
  const char *name = count > 0 ? words[0] : "all", *only = count > 1 ? words[1] : NULL;
  int all = strcmp(name, "all") == 0;
  BenchCase size;
  free(words);
  if (strcmp(name, "ranks") == 0 && count == 1) return ranks_table(argc, argv, err);
  while (!all && table < TABLES && strcmp(name, tables[table].name) != 0) table++;
  if (read_options(&size, &own, argc, argv, err)) return EXIT_USAGE;
  if (table == TABLES || count > 2 || (own && count != 1) || (all && (only || own))) {
    help(stderr);
    return EXIT_USAGE;
  }
  printf("%d threads%s%s, %s\n%s; reduced precision by the path %s\n", threads_start(0),
         *threads_note() ? ", " : "", threads_note(), blas_describe(), startup_describe(),
         precision_path_name());
  if (own) {
    if (tables[table].measure == step_of) bench_step_header();
    return tables[table].measure(&size, err) ? EXIT_FAILED : EXIT_DONE;
  }
  for (int i = all ? 0 : table; i < (all ? TABLES : table + 1); i++) {
    count = run_table(i, only, err);
    if (count < 0) return EXIT_FAILED;
    if (count > 0) continue;
    fail(err, "%s: no case has this in its name; --help lists them", only);
    return EXIT_USAGE;
  }
  return EXIT_DONE;
}

int main(int argc, char **argv) {
  const Program program = {.name = "bench", .help = help, .run = run, .computes = 1};
  return program_main(&program, argc, argv);
}
