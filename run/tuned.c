#include "run/tuned.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  const char *optimizer, *model, *settings;
} Tuned;

/* Each row is the best of its trials on seed 1, by the validation loss at the end. Warm-ups are
   fractions of the preset's steps, so that a longer run warms up longer.

   nano: tools/specs/nano.spec, full-length runs with four rates per method (the fourth is the best
   of three times or divided by 2 or sqrt(2)), one auxiliary rate and 32768 validation tokens.
   docs/results.md shows the results on three new seeds.
   The two methods that all others are compared with had more trials before:
   adamw, 15 trials: rates 0.0005 to 0.008 with warm-up 20 (best 4.922, at 0.002); warm-ups 60 to
   200 (4.831, 4.761, 4.722, 4.730: a long one allows twice the rate, a gain of 0.2);
   beta2 0.99 and no decay (no gain); a separate rate of 0.016 for embeddings (4.724: no gain).
   muon, 13 trials: rates 0.005 to 0.08 (4.57 to 4.61 from 0.01 to 0.04); auxiliary rates 0.001 to
   0.032 (4.788, 4.571, 4.477, 4.432, 4.398, 4.412: they matter more than the main rate; the other
   methods use 0.016 too); warm-up 100 (no gain).
   lion: beta2 0.99, 0.95, 0.9 at rate 0.0008 (5.471, 4.986, 4.920): averaging over a hundred steps
   is too slow for runs of three hundred.

   micro: tools/specs/micro.spec, four rates per method, chosen by the loss (16384 tokens) after 50
   of the preset's 200 steps, with warm-ups in proportion; root and adadiag were best at their
   lowest rate. Three methods had full-length runs too, which override these. adamw: rates 0.001,
   0.002, 0.004 with warm-up 100 (4.861, 4.794, 5.041), 0.003 with 150 (4.783). muon: rate 0.02 with
   auxiliary rates 0.002, 0.004, 0.008 (4.615, 4.610, 4.598), 0.01 with 0.002 (4.607). sgd: 0.1, 0.3
   (5.306, 5.245).

   shakespeare: adamw has nanoGPT's settings, which are not the best (lr 0.003 is better by 0.1).
   muon: rates 0.01 and 0.02 with auxiliary rate 0.004.

   Of the newer methods, three were tried on nano with full-length runs, seed 1: polargrad at 0.1,
   0.2, 0.4, 0.8 (4.576, 4.557, 4.559, 4.566), muonh at 0.015, 0.03, 0.06, 0.12 (4.600, 4.554,
   4.544, 4.580), adamuon at 0.004, 0.008, 0.016, 0.032 (4.606, 4.522, 4.519, 5.151). */
static const Tuned table[] = {
    {"adamw", "nano", "lr=0.005657 warmup-fraction=0.5 weight-decay=0.1"},
    {"muon", "nano", "lr=0.02 aux-lr=0.016"},
    {"low-rank-muon", "nano", "lr=0.02828 aux-lr=0.016 rank=32"},
    {"sumo", "nano", "lr=0.008 aux-lr=0.016 rank=32 update-gap=50"},
    {"adago", "nano", "lr=0.1 aux-lr=0.016"},
    {"msgd", "nano", "lr=0.04 aux-lr=0.016"},
    {"low-rank-msgd", "nano", "lr=0.04 aux-lr=0.016 rank=32"},
    {"trust-region", "nano", "lr=0.02 aux-lr=0.016"},
    {"scion", "nano", "lr=0.0005 aux-lr=0.016"},
    {"orthogonal-sgdm", "nano", "lr=0.016 aux-lr=0.016"},
    {"root", "nano", "lr=0.016 aux-lr=0.016 weight-decay=0.1"},
    {"polargrad", "nano", "lr=0.2 aux-lr=0.016"},
    {"dion", "nano", "lr=0.01 aux-lr=0.016 weight-decay=0.01"},
    {"dion2", "nano", "lr=0.02 aux-lr=0.016 weight-decay=0.01"},
    {"normuon", "nano", "lr=0.02 aux-lr=0.016"},
    {"muonh", "nano", "lr=0.06 aux-lr=0.016"},
    {"adamuon", "nano", "lr=0.016 aux-lr=0.016"},
    {"adadiag", "nano", "lr=0.004 aux-lr=0.016 warmup-fraction=0.5"},
    {"soap", "nano", "lr=0.016 aux-lr=0.016 warmup-fraction=0.5"},
    {"galore", "nano", "lr=0.008 aux-lr=0.016 warmup-fraction=0.5 rank=32"},
    {"lion", "nano", "lr=0.001131 warmup-fraction=0.5 weight-decay=1 beta2=0.9"},
    {"sgd", "nano", "lr=0.15 warmup-fraction=0.333333"},
    {"adamw", "shakespeare", "lr=0.001 weight-decay=0.1 beta2=0.99"},
    {"muon", "shakespeare", "lr=0.02 aux-lr=0.004"},
    {"adamw", "micro", "lr=0.003 warmup-fraction=0.75 weight-decay=0.1"},
    {"muon", "micro", "lr=0.02 aux-lr=0.008"},
    {"low-rank-muon", "micro", "lr=0.014 aux-lr=0.008 weight-decay=0.01 rank=96"},
    {"sumo", "micro", "lr=0.004243 aux-lr=0.008 rank=96 update-gap=50"},
    {"adago", "micro", "lr=0.05 aux-lr=0.008"},
    {"msgd", "micro", "lr=0.02828 aux-lr=0.008"},
    {"low-rank-msgd", "micro", "lr=0.02 aux-lr=0.008 rank=96"},
    {"trust-region", "micro", "lr=0.01414 aux-lr=0.008"},
    {"scion", "micro", "lr=0.0005 aux-lr=0.008"},
    {"orthogonal-sgdm", "micro", "lr=0.004 aux-lr=0.008"},
    {"root", "micro", "lr=0.004 aux-lr=0.008 weight-decay=0.1"},
    {"dion", "micro", "lr=0.01 aux-lr=0.008 weight-decay=0.01"},
    {"dion2", "micro", "lr=0.04 aux-lr=0.008 weight-decay=0.01"},
    {"normuon", "micro", "lr=0.01414 aux-lr=0.008"},
    {"adadiag", "micro", "lr=0.00075 aux-lr=0.008 warmup-fraction=0.75"},
    {"soap", "micro", "lr=0.003 aux-lr=0.008 warmup-fraction=0.75"},
    {"galore", "micro", "lr=0.008 aux-lr=0.008 warmup-fraction=0.75 rank=96"},
    {"lion", "micro", "lr=0.0005657 warmup-fraction=0.75 weight-decay=1 beta2=0.9"},
    {"sgd", "micro", "lr=0.3 warmup-fraction=0.5"},
    {0},
};

static const Tuned *find(const char *optimizer, const char *model) {
  for (const Tuned *t = table; t->optimizer; t++)
    if (strcmp(t->optimizer, optimizer) == 0 && strcmp(t->model, model) == 0) return t;
  return NULL;
}

const char *tuned_settings(const char *optimizer, const char *model) {
  const Tuned *t = find(optimizer, model);
  return t ? t->settings : NULL;
}

void tuned_origin(const char *optimizer, const char *model, char *out, size_t size) {
  const Tuned *t = find(optimizer, model);
  int is_copied = t && strcmp(model, "shakespeare") == 0 && strcmp(optimizer, "adamw") == 0;
  if (is_copied) snprintf(out, size, "nanoGPT's settings for shakespeare");
  else snprintf(out, size, "%stuned for %.32s", t ? "" : "not ", model);
}
