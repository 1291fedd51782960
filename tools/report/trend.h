/* How a result depends on the length of the runs, the batch or the width: the runs of each method
   by the value of one option. */
#ifndef TOOLS_REPORT_TREND_H
#define TOOLS_REPORT_TREND_H

#include "tools/report/palette.h"
#include "tools/report/runset.h"
#include "tools/report/statistics.h"

/* The result of a run, or of the tuning runs with one seed. */
#define TREND_VALUES(X) \
  X(TREND_LOSS, "loss") X(TREND_TOKENS, "tokens") X(TREND_STEPS, "steps") X(TREND_RATE, "rate")
enum { TREND_VALUES(CHOICE_NAME) };

typedef struct {
  char over[64];     /* the option */
  int value;         /* TREND_...: the final loss, tokens or steps to the target, the best rate */
  double target;     /* loss to reach, for tokens and steps */
  char baseline[64]; /* method of the speed-ups */
} TrendOptions;

typedef struct {
  char name[128]; /* the method in a sweep, elsewhere the optimizer */
  Look look;
  double *y;      /* (x_count, seed_count); NaN: no result */
  int *edge;      /* (x_count): seeds whose best rate is the smallest or largest tried */
} TrendRow;

typedef struct {
  TrendOptions options;
  RunSet set;
  double *x, *tokens; /* (x_count) the option's values, ascending, and the tokens of such a run */
  int64_t *seeds;     /* (seed_count) ascending */
  TrendRow *rows;
  int x_count, seed_count, count;
  int baseline;       /* number of its row, or -1 */
} Trend;

/* Reads the runs in the paths as runset_read does. Of a sweep, the best rate is that of the tuning
   runs, and all else is of the others. Errors: those of runset_read; a run without a number as the
   value of the option; no result at all. */
int trend_read(Trend *t, char *const *paths, int count, const TrendOptions *options, Err *err);
void trend_free(Trend *t);

/* Over the seeds, at x[i]. */
Summary trend_cell(const Trend *t, const TrendRow *row, int i);

/* Of losses at several lengths: the tokens of a run at x[i], divided by the tokens with which the
   method reaches the loss that the baseline has there, over the seeds. Between lengths, losses are
   interpolated in the logarithm of the tokens; beyond them there is no value. Both follow their own
   whole schedule at each length, so that no curve is cut off. */
Summary trend_speedup(const Trend *t, const TrendRow *row, int i);

/* Fits mean loss = a D^-b + c, with D in millions of tokens, by least squares. Error: -1 with
   fewer than four lengths. */
int trend_fit(const Trend *t, const TrendRow *row, PowerLaw *law);

#endif
