/* All options of a run, from the command line, option files, presets and the table of tuned
   settings. */
#ifndef RUN_CONFIG_H
#define RUN_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "core/option.h"
#include "data/data.h"
#include "model/gpt2.h"
#include "optim/harness.h"
#include "optim/registry.h"
#include "optim/schedule.h"
#include "run/checkpoint.h"

typedef struct {
  char optimizer[OPTION_TEXT];
  int64_t batch, micro_batch; /* sequences of a step, and of one pass */
  int64_t steps, tokens;      /* length of the run; tokens > 0 decides */
  double clip;
  int64_t save_every, keep; /* steps between checkpoints; how many of them stay */
  double max_seconds;
  int64_t val_every, val_tokens, sample_every, log_spectrum;
  int64_t seed, threads;
  char out[OPTION_TEXT], init[OPTION_TEXT], resume[OPTION_TEXT];
  int overwrite;
} RunOptions;

enum { CONFIG_SETS = 9 };

typedef struct {
  RunOptions run;
  ModelOptions model;
  DataOptions data;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  const Optimizer *method;
  void *method_options;
  Checkpoint *from; /* what a resumed run continues, else NULL */
  char changes[OPTION_TEXT]; /* of options since then: "steps 40 -> 60", or empty */
  int bad_checkpoint; /* config_read failed for what --resume names, not for an option */
  char warmup_note[256]; /* that --warmup is not the preset's, or empty */
  char tuned[256]; /* where the optimizer's defaults come from, for people */
  OptionSet sets[CONFIG_SETS]; /* all of the above, ends with {0} */
  char no_matrices[96], no_auxiliary[96]; /* why a set is unused */
} Config;

/* Reads the command line (argv[1..]). In the order of growing weight: defaults of the tables,
   preset of --model, tuned settings of (--optimizer, --model), option files, command line.
   With --resume the checkpoint takes the place of presets and tuned settings, and an option that
   has to stay as it was is an error when it does not. A checkpoint that cannot be used sets
   config->bad_checkpoint, as then the command line is not what is wrong. */
int config_read(Config *config, int argc, char **argv, Err *err);

/* The same from settings, to which those of presets or of the checkpoint are added. */
int config_set(Config *config, Settings *settings, Err *err);
void config_free(Config *config);

/* The row of an option of ./train, or NULL when this version has none of that name; of options
   that several optimizers have, the first one's. And its effect; RESULT when it is unknown. */
const Option *config_option(const char *name);
OptionEffect config_effect(const char *name);

/* --help, --help OPTIMIZER and --list. Returns 0, or -1 when there is no such optimizer. */
int config_help(FILE *out, const char *optimizer, Err *err);
void config_list(FILE *out);

#endif
