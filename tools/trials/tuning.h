/* The trials of a method's learning rate: the best point, and whether it is at the edge. Sweeps
   choose the rate with it; reports say how it was chosen. */
#ifndef TOOLS_TRIALS_TUNING_H
#define TOOLS_TRIALS_TUNING_H

/* The runs of one setting, which differ in their seeds alone. */
typedef struct {
  double rate, loss; /* mean of the final losses; infinite when a run diverged */
  int line;          /* points with the same number differ in their rate alone */
  int runs, diverged;
  int first;         /* the caller's number of its first run */
} Point;

typedef struct {
  Point *points;
  int count;
} Tuning;

/* Adds a run, with its rate, final loss and the caller's number, to a point; with point ==
   t->count, to a new one on the line. */
void tuning_add(Tuning *t, int point, int line, double rate, double loss, int diverged, int run);
void tuning_free(Tuning *t);

/* The point of the lowest loss (of equals, of the lowest rate), or -1. */
int tuning_best(const Tuning *t);

/* The losses of the points, ascending, into losses (t->count). */
void tuning_losses(const Tuning *t, double *losses);

/* Whether no rate repeats where other settings differ, as rates do in a grid. */
int tuning_is_random(const Tuning *t);

/* The points of the same line with the next lower and the next higher rate; -1: there is none. */
void tuning_neighbours(const Tuning *t, int point, int *below, int *above);

#endif
