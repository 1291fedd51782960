/* Progress output of a run: one live line on a terminal, plain lines in a pipe. Lines with
   validation losses stay on both. */
#ifndef RUN_PROGRESS_H
#define RUN_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

#include "core/option.h"
#include "run/log.h"

#define PROGRESS_MODES(X)                                                    \
  X(PROGRESS_AUTO, "auto") X(PROGRESS_BAR, "bar") X(PROGRESS_LINES, "lines") \
  X(PROGRESS_QUIET, "quiet")
typedef enum { PROGRESS_MODES(CHOICE_NAME) } ProgressMode;

typedef struct {
  int64_t steps, first; /* total steps; steps done before this start */
  double flops_per_token;
  int bar;                  /* one live line instead of lines */
  double started, shown;    /* clock seconds */
  double train_loss;        /* smoothed */
  double tokens_per_s;      /* smoothed */
  int64_t steps_seen;
} Progress;

/* Call before any output. The mode quiet closes standard output to /dev/null. */
void progress_open(Progress *p, ProgressMode mode);

/* Starts the clock; `first` is the number of steps done before a resume. */
void progress_start(Progress *p, int64_t first, int64_t steps, double flops_per_token);

/* Call after each step with its row. */
void progress_step(Progress *p, const LogRow *row);

/* Call after each validation. */
void progress_val(Progress *p, int64_t step, double val_loss);

/* Ends the live line before other output. */
void progress_break(Progress *p);

/* Ends the live line and returns the stream for text of several lines; call progress_flush after
   it. */
FILE *progress_text(Progress *p);

/* Prints a line (printf format) with control characters escaped. */
void progress_say(Progress *p, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Flushes standard output. Training continues if this fails: /dev/null then replaces standard
   output, with a message on stderr unless it was a closed pipe. */
void progress_flush(void);

#endif
