#include "tools/spectra/scale.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "tools/spectra/study.h"

typedef struct {
  char sizes[OPTION_TEXT], aspects[OPTION_TEXT];
  int64_t seeds, steps;
} ScaleOptions;

#define FIELD(member) offsetof(ScaleOptions, member)
static const Option options[] = {
    {.name = "sizes", .help = "short sides of the matrices",
     .type = OPTION_WORD, .at = FIELD(sizes), .fallback = "64,128,256,512,1024,2048,4096"},
    {.name = "aspects", .help = "long side over short side",
     .type = OPTION_WORD, .at = FIELD(aspects), .fallback = "1,2,3,4"},
    {.name = "seeds",
     .help = "matrices of each shape, at least; small ones, which scatter more, are more",
     .type = OPTION_INT, .at = FIELD(seeds), .fallback = "3", .min = 1, .max = SCALE_MATRICES},
    {.name = "steps", .help = "Newton-Schulz steps, at most, in the table of what is left",
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "10", .min = 1, .max = NS_STEPS_MAX},
    {0},
};

Shape *scale_shape(const Scale *c, int aspect, int size) {
  return &c->shapes[aspect * c->size_count + size];
}

/* ---- measuring ---- */

/* More of the small ones: they cost little, and the smallest singular value of a square matrix
   scatters by a factor of three from matrix to matrix. */
static int matrices_of(int64_t s, int64_t aspect, int64_t seeds) {
  int64_t small = aspect == 1 ? 4096 : 1024, n = seeds * (s < small ? small / s : 1);
  return n > SCALE_MATRICES ? SCALE_MATRICES : (int)n;
}

static double work_of(const Shape *h) {
  double s = (double)h->s, l = (double)h->l;
  return s * s * l + 6 * s * s * s + 300 * s * l; /* Gram, eigenvalues, random numbers */
}

static int measure(Scale *c, Err *err) {
  double all = 0, done = 0, started = clock_seconds();
  int n = c->aspect_count * c->size_count, status = 0;
  for (int i = 0; i < n; i++) all += c->shapes[i].count * work_of(&c->shapes[i]);
  for (int i = 0; i < n; i++) {
    Shape *h = &c->shapes[i];
    h->law = values_of_law(h->s, h->l);
    for (int j = 0; status == 0 && j < h->count; j++) {
      char what[128];
      snprintf(what, sizeof what, "%lld x %lld, matrix %d of %d", (long long)h->s,
               (long long)h->l, j + 1, h->count);
      output_progress(what, done / all, started);
      status = values_random(&h->values[j], h->s, h->l, (uint64_t)c->output->seed,
                             (uint32_t)(i * SCALE_MATRICES + j), err);
      done += work_of(h);
    }
  }
  output_progress_end();
  return status;
}

/* ---- the study ---- */

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int plan(Scale *c, const ScaleOptions *o, Err *err) {
  c->size_count = read_numbers(o->sizes, "sizes", 8, 32768, c->sizes, SCALE_SIZES, err);
  if (c->size_count < 0) return -1;
  c->aspect_count = read_numbers(o->aspects, "aspects", 1, 64, c->aspects, SCALE_ASPECTS, err);
  if (c->aspect_count < 0) return -1;
  qsort(c->sizes, (size_t)c->size_count, sizeof *c->sizes, ascending);
  qsort(c->aspects, (size_t)c->aspect_count, sizeof *c->aspects, ascending);
  c->shapes = calloc((size_t)(c->size_count * c->aspect_count), sizeof *c->shapes);
  int matrices = 0;
  for (int a = 0; a < c->aspect_count; a++)
    for (int i = 0; i < c->size_count; i++) {
      Shape *h = scale_shape(c, a, i);
      h->s = c->sizes[i];
      h->l = h->s * c->aspects[a];
      h->count = matrices_of(h->s, c->aspects[a], o->seeds);
      matrices += h->count;
    }
  printf("%d matrices; the largest takes %.0f MB of memory\n", matrices,
         (double)values_random_bytes(c->sizes[c->size_count - 1]) / 1e6);
  fflush(stdout);
  return 0;
}

static int run(const void *with, const Output *output, Err *err) {
  const ScaleOptions *o = with;
  Scale c = {.output = output, .steps = o->steps};
  int status = plan(&c, o, err) || measure(&c, err) || scale_values(&c, err) ||
               scale_left(&c, err) || scale_steps(&c, err) || scale_float(&c, err) ? -1 : 0;
  for (int i = 0; c.shapes && i < c.aspect_count * c.size_count; i++) {
    for (int j = 0; j < c.shapes[i].count; j++) values_free(&c.shapes[i].values[j]);
    values_free(&c.shapes[i].law);
  }
  free(c.shapes);
  return status;
}

const Study study_scale = {"scale", "singular values of random matrices against their size",
                           options, sizeof(ScaleOptions), run};
