/* A spec says in a few lines what to compare. It is an option file: lines `name = value`.

     optimizers = adamw muon sumo      # or: all
     rates = 5                         # learning rates of each, `factor` apart, around its own
     seeds = 3                         # fresh ones, at the rate that tuning chose
     model = nano                      # what else there is goes to ./train, for all of them
     steps = 400
     muon.ns-steps = 4 5               # for one method; several values are a grid
     muon:exact.orthogonalize = svd    # a second entry of one optimizer, named muon:exact

   Learning rates may also be listed: muon.lr = 0.01 0.02 0.04. */
#ifndef TOOLS_TRIALS_SPEC_H
#define TOOLS_TRIALS_SPEC_H

#include <stdint.h>

#include "core/error.h"
#include "core/option.h"
#include "run/config.h"

#define SPEC_FILE "sweep.spec" /* in the folder of a sweep */
enum { SPEC_METHODS = 64, SPEC_DIMENSIONS = 6 };

typedef struct {
  char optimizers[OPTION_TEXT], baseline[OPTION_TEXT];
  int64_t rates, tune_seeds, seeds, extend;
  double factor;
  int unequal;
} SpecOptions;

extern const Option spec_options[];

/* One dimension of a method's grid: an option and its values. Dimension 0 is the learning rate,
   ascending. */
typedef struct {
  char name[64];
  int count;
  char (*values)[64];
} Dimension;

typedef struct {
  char name[64];      /* "muon", "muon:exact" */
  char optimizer[64]; /* "muon" */
  int dimensions;
  Dimension grid[SPEC_DIMENSIONS];
  int fixed;          /* settings with one value */
  char (*fixed_names)[64], **fixed_values;
  int shuffles;       /* --data-seed has an effect */
} Method;

typedef struct {
  char path[OPTION_TEXT], name[64]; /* "tools/specs/compare.spec", "compare" */
  SpecOptions options;
  int count;
  Method methods[SPEC_METHODS];
} Spec;

/* Makes a spec of settings: those of the spec's file, read as @file, and of the command line,
   which win. Names in the table `own` belong to the caller and are skipped. A setting for all
   methods is left out where it has no effect, as aux-lr with adamw. Checks that
   ./train would take every one of the others, and that all methods have the same number of trials
   (unless `unequal = on`). */
int spec_make(Spec *spec, const char *path, const Settings *settings, const Option *own, Err *err);
void spec_free(Spec *spec);

/* Number of points in a method's grid; the values of point 0, 1, ... go to values[dimensions]. */
int spec_points(const Method *m);
void spec_point(const Method *m, int point, const char **values);

/* The arguments of ./train for a method at a point of its grid, ended by NULL, beginning with
   "./train" (or whatever `program` is). arguments_free frees them. */
char **spec_arguments(const Method *m, const char *const *values, int64_t seed,
                      const char *program);
void arguments_free(char **arguments);

/* What ./train would make of arguments; config_free afterwards. */
int arguments_config(char **arguments, Config *config, Err *err);

#endif
