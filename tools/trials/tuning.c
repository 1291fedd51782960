#include "tools/trials/tuning.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"

void tuning_add(Tuning *t, int point, int line, double rate, double loss, int diverged, int run) {
  if (point == t->count) {
    t->points = memory_grow(t->points, (size_t)++t->count, sizeof *t->points);
    t->points[point] = (Point){.rate = rate, .line = line, .first = run};
  }
  Point *p = &t->points[point];
  p->loss = (p->loss * p->runs + (isnan(loss) ? INFINITY : loss)) / (p->runs + 1);
  p->diverged += diverged;
  p->runs++;
}

void tuning_free(Tuning *t) {
  free(t->points);
  *t = (Tuning){0};
}

int tuning_best(const Tuning *t) {
  int best = -1;
  for (int i = 0; i < t->count; i++) {
    const Point *p = &t->points[i], *b = best < 0 ? NULL : &t->points[best];
    if (!b || p->loss < b->loss || (p->loss == b->loss && p->rate < b->rate)) best = i;
  }
  return best;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void tuning_losses(const Tuning *t, double *losses) {
  for (int i = 0; i < t->count; i++) losses[i] = t->points[i].loss;
  if (t->count > 0) qsort(losses, (size_t)t->count, sizeof *losses, ascending);
}

int tuning_is_random(const Tuning *t) {
  int lines = 0;
  for (int i = 0; i < t->count; i++)
    for (int k = 0; k < i; k++) {
      if (t->points[i].rate == t->points[k].rate) return 0;
      lines |= t->points[i].line != t->points[k].line;
    }
  return lines;
}

void tuning_neighbours(const Tuning *t, int point, int *below, int *above) {
  const Point *p = t->points, *at = &p[point];
  *below = *above = -1;
  for (int i = 0; i < t->count; i++) {
    if (p[i].line != at->line) continue;
    if (p[i].rate < at->rate && (*below < 0 || p[i].rate > p[*below].rate)) *below = i;
    if (p[i].rate > at->rate && (*above < 0 || p[i].rate < p[*above].rate)) *above = i;
  }
}
