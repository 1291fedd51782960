/* Compares runs: the loss and cost of each method, with their uncertainty. All runs are judged
   except those with which a sweep chose the rates; if there are no others, the best of these are
   judged. Runs that differ in their seeds only are one entry. */
#ifndef TOOLS_REPORT_COMPARISON_H
#define TOOLS_REPORT_COMPARISON_H

#include "tools/report/differences.h"
#include "tools/report/palette.h"
#include "tools/report/runset.h"
#include "tools/report/statistics.h"
#include "tools/trials/spec.h"
#include "tools/trials/tuning.h"

typedef struct {
  char baseline[OPTION_TEXT]; /* a method's name; empty: the sweep's, or adamw */
  int intervals;              /* 0: as the sweep's spec says; else 1 + INTERVALS_... */
  double target;              /* loss; 0: that of the baseline */
  int mix;                    /* judge runs together that cannot be compared */
  char highlight[OPTION_TEXT]; /* methods to highlight in figures; empty: see label_highlight */
} ComparisonOptions;

typedef struct {
  char name[128], optimizer[64];
  char method[128];    /* its name in a sweep's folder; elsewhere empty */
  Look look;
  int *runs, count;    /* numbers of the judged runs among the comparison's logs */
  int finished, diverged, unfinished;
  double *loss;        /* (seeds) final loss by seed; NaN where there is none */
  Summary summary, difference; /* of the loss, and paired with the baseline's */
  double bits_per_byte;
  double steps_to, tokens_to, seconds_to, flops_to; /* the target; NaN: not reached */
  int extended; /* all its runs are, by --resume with more steps */
  double gradient_ms, optimizer_ms; /* of its least disturbed run */
  double slow; /* > 1: all its runs were disturbed, and the optimizer's time is divided by this */
  double step_seconds; /* time of a step on an idle machine */
  double state_bytes;
  double peak_bytes; /* memory of its process; NaN: not logged */
  double clipped; /* mean share of the steps whose gradient was clipped; NaN: not logged */
  char rate[64];
  Tuning tuning;       /* points ascending in the rate, the judged setting's on line 0; none when
                          it is not known how the rate was found */
  int edge;            /* the best rate is the smallest or largest tried */
} Entry;

typedef struct {
  ComparisonOptions options;
  RunSet set;      /* its notes also say what is not fair */
  RunLog *logs;    /* of the set */
  int log_count;
  int64_t *seeds;
  int seed_count;
  Entry *entries; /* the best first, diverged ones last */
  int count;
  int baseline;   /* number of its entry, or -1 */
  int together;   /* intervals that hold at the same time; 1: each holds alone */
  int only_tuning; /* no evaluation seeds: each method's best trial is judged */
  int per_byte;   /* losses are in bits per byte, since vocabularies differ; else nats per token */
  double target;  /* NaN when there is none */
  double gradient_ms; /* the same for all methods; NaN of mixed runs */
  Differences differences; /* between the entries */
} Comparison;

/* Reads the paths as runset_read does, and judges. Errors: those of runset_read; a sweep.spec that
   cannot be read; runs that cannot be compared. */
int comparison_read(Comparison *c, char *const *paths, int count, const ComparisonOptions *options,
                    Err *err);
void comparison_free(Comparison *c);

/* The mean over the seeds of an entry's validation curve, as long as all of its runs have one, with
   the seeds' lowest and highest. */
typedef struct {
  double *x, *mean, *low, *high; /* (n) */
  int n;
} Curve;

Curve comparison_curve(const Comparison *c, const Entry *e, int axis);
void curve_free(Curve *curve);

/* "nats per token" or "bits per byte". */
const char *comparison_unit(const Comparison *c);

/* What a run's losses are multiplied by to be in this unit. */
double comparison_factor(const Comparison *c, const RunLog *log);

#endif
