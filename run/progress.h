/* What a person sees while a run goes on: one live line on a terminal, plain lines in a pipe. */
#ifndef RUN_PROGRESS_H
#define RUN_PROGRESS_H

#include <stdint.h>

#include "run/log.h"

typedef struct {
  int64_t steps, first; /* of the run; done before this start of it */
  double flops_per_token;
  int terminal;
  double started, shown;    /* clock seconds */
  double train_loss;        /* smoothed */
  double val_loss;          /* NaN before the first validation */
  double tokens_per_s;      /* smoothed */
  int64_t steps_seen;
} Progress;

/* `first` steps were done already, by the run that this one continues. */
void progress_start(Progress *p, int64_t first, int64_t steps, double flops_per_token);

/* After each step, whose row has losses and times. */
void progress_step(Progress *p, const LogRow *row);

/* After a validation. */
void progress_val(Progress *p, int64_t step, double val_loss);

/* Makes room for other output below the live line. */
void progress_break(Progress *p);

/* Prints a line (printf format); whatever it names is made safe for a terminal. */
void progress_say(Progress *p, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Shows what was printed. Training does not end because nobody reads its output: when it cannot be
   written, /dev/null takes its place, with a line on stderr unless it is a pipe that was closed. */
void progress_flush(void);

#endif
