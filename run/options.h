/* The options of a run itself: its length, its folder, what it saves and reports. */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stdint.h>

#include "core/option.h"
#include "core/precision.h"

typedef struct {
  char optimizer[OPTION_TEXT];
  int64_t batch, micro_batch; /* sequences per step and per pass */
  int64_t steps, tokens;      /* length of the run; tokens > 0 overrides steps */
  double clip;
  int64_t save_every, keep; /* steps between checkpoints; how many to keep */
  double save_minutes;
  int keep_best;
  double max_seconds;
  int progress; /* ProgressMode */
  int verbose;
  int64_t val_every, val_tokens, sample_every, log_spectrum;
  int64_t seed, threads;
  char out[OPTION_TEXT], init[OPTION_TEXT], resume[OPTION_TEXT];
  int overwrite, tensorboard, precision;
} RunOptions;

extern const Option run_options[];

#endif
