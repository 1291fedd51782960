/* All options of a run: from presets, tuned settings, option files and the command line. */
#ifndef RUN_CONFIG_H
#define RUN_CONFIG_H

#include <stdint.h>

#include "data/data.h"
#include "model/gpt2.h"
#include "optim/harness.h"
#include "optim/registry.h"
#include "optim/schedule.h"
#include "run/checkpoint.h"
#include "run/options.h"

enum { CONFIG_SETS = 10 };

typedef struct {
  RunOptions run;
  ModelOptions model;
  DataOptions data;
  OptimizerOptions optimizer;
  NodeOptions nodes;
  ScheduleOptions schedule;
  const Optimizer *method;
  void *method_options;
  Checkpoint *from; /* the checkpoint of a resumed run, else NULL */
  char changes[OPTION_TEXT]; /* options changed since: "steps 40 -> 60", or empty */
  char extension[256]; /* of a resumed run with other --steps: the jump of the rate, or empty */
  int bad_checkpoint; /* config_read failed because of the checkpoint, not an option */
  int is_tuned;    /* a row of run/tuned.c is used */
  char tuned[256]; /* origin of the optimizer's defaults, to print */
  OptionSet sets[CONFIG_SETS]; /* all of the above, ends with {0} */
  char no_matrices[96], no_auxiliary[96], no_nodes[96]; /* why a set is unused */
} Config;

/* Reads the command line (argv[1..]). From lowest to highest priority: defaults of the tables,
   preset of --model, tuned settings of (--optimizer, --model), option files, command line. With
   --resume, the checkpoint replaces presets and tuned settings, and changing an option that must
   stay the same is an error. If the checkpoint cannot be used, sets config->bad_checkpoint, since
   then the command line is not wrong. */
int config_read(Config *config, int argc, char **argv, Err *err);

/* The same from settings; adds those of the presets or the checkpoint to them. */
int config_set(Config *config, Settings *settings, Err *err);
void config_free(Config *config);

/* The row of an option of ./train, or NULL: with optimizer o, or with the first optimizer that has
   it. config_effect returns the effect, RESULT for an unknown option. */
const Option *config_option_of(const Optimizer *o, const char *name);
const Option *config_option(const char *name);
OptionEffect config_effect(const char *name);

/* The tuned settings of a method for a model; if it has none, those of a similar method, without
   options that it does not have. Returns the method that they were tuned for, or NULL. */
enum { TUNED_TEXT = 256 };
const char *config_tuned(const Optimizer *o, const char *model, char settings[TUNED_TEXT]);

#endif
