/* A spec says in a few lines what to compare. It is an option file: lines `name = value`.

     optimizers = adamw muon sumo      # or: all
     rates = 5                         # learning rates of each, `factor` apart, around its default
     seeds = 3                         # new seeds, at the rate that tuning chose
     model = nano                      # other names are options of ./train, for all optimizers
     muon.momentum = 0.9 0.95          # for one of them; several values are a grid
     muon:exact.orthogonalize = svd    # a second entry of one optimizer, named muon:exact

   With `random = 16`, each method gets 16 trials at random points instead of a grid. Values may
   then be ranges: `lr = 1e-3..1e-1`. */
#ifndef TOOLS_TRIALS_SPEC_H
#define TOOLS_TRIALS_SPEC_H

#include <stdint.h>

#include "core/error.h"
#include "core/option.h"
#include "run/config.h"

#define SPEC_FILE "sweep.spec" /* in the folder of a sweep */
/* SPEC_POINT: size of a point's text, which is also the name of a folder. */
enum { SPEC_METHODS = 64, SPEC_POINT = 240 };

/* Whether each 95 % interval holds alone, or all together. */
#define INTERVALS(X) X(INTERVALS_EACH, "each") X(INTERVALS_ALL, "all")
enum { INTERVALS(CHOICE_NAME) };

typedef struct {
  char optimizers[OPTION_TEXT], baseline[OPTION_TEXT];
  int intervals;
  int64_t rates, random, tune_seeds, seeds, extend;
  double factor;
  int unequal;
} SpecOptions;

extern const Option spec_options[];

/* An option of ./train with its value or values for one method. */
typedef struct {
  char *name, *value, *where; /* as given; `where` is for messages */
  int count;                  /* number of values; 0: the range low to high */
  double low, high;
  int own;  /* given for this method, not for all */
  int used; /* has an effect in some trial */
} SpecLine;

/* One choice of the swept options, as "lr=0.02 momentum=0.95"; lr is first. */
typedef struct {
  char text[SPEC_POINT];
  int64_t steps; /* of the run */
} SpecPoint;

typedef struct {
  char name[64];      /* "muon", "muon:exact" */
  char optimizer[64]; /* "muon" */
  SpecLine *lines;    /* the learning rate is the first */
  int line_count;
  SpecPoint *points;  /* of the first trials */
  int count;
} Method;

typedef struct {
  char path[OPTION_TEXT], name[64]; /* "tools/specs/compare.spec", "compare" */
  SpecOptions options;
  int count;
  Method methods[SPEC_METHODS];
} Spec;

/* Makes a spec of settings: those of the spec's file, read as @file, and of the command line, which
   have priority. Names in the table `own` belong to the caller and are skipped. A setting for all
   methods is left out where it has no effect, as aux-lr with adamw. Errors: ./train would not take
   a setting, or not validate; the methods' numbers of trials differ (unless `unequal = on`). */
int spec_make(Spec *spec, const char *path, const Settings *settings, const Option *own, Err *err);
void spec_free(Spec *spec);

/* Writes a spec that spec_make reads back. */
void spec_write(FILE *out, const Spec *spec);

/* Writes a spec to begin with: every option of a spec with its help, and examples. */
void spec_template(FILE *out, const SpecOptions *values);

/* The configuration of ./train for a method at a point, for a seed. Settings that have an effect go
   to `used` with the source FROM_COMMAND_LINE. Free both afterwards, except after an error. */
int spec_config(const Method *m, const char *point, int64_t seed, Config *config, Settings *used,
                Err *err);

/* The learning rate of a point; its text after the learning rate; and a point with another rate. */
double spec_rate(const char *point);
const char *spec_rest(const char *point);
void spec_with_rate(const char *point, double rate, char out[SPEC_POINT]);

#endif
