#include "run/tuned.h"

#include <stddef.h>
#include <string.h>

typedef struct {
  const char *optimizer, *model, *settings;
} Tuned;

/* Each row is the best of the trials named above it, by the validation loss (32768 tokens) at the end
   of the preset's whole schedule, seed 1. The searches are specs: tools/sweep tools/specs/NAME.spec
   repeats them. */
static const Tuned table[] = {
    /* nano: 12 trials. Rates 0.0005 to 0.008 with warm-up 20 (best 4.92 at 0.002), warm-ups 60 to
       200 (4.83, 4.76, 4.72, ...), beta2 0.99 and no decay (no gain). A long warm-up lets AdamW take
       twice the rate, and is worth 0.2. */
    {"adamw", "nano", "lr=0.004 warmup=150 weight-decay=0.1"},
    /* nano: 10 trials. Rates 0.005 to 0.08 (flat from 0.01 to 0.04), auxiliary rates 0.001 to 0.008
       (4.79, 4.57, 4.48, 4.48: it matters more than Muon's own), warm-up 100 (no gain). */
    {"muon", "nano", "lr=0.02 aux-lr=0.004"},
    {"low-rank-muon", "nano", "lr=0.02 aux-lr=0.004 rank=32"},
    {"sumo", "nano", "lr=0.004 aux-lr=0.004 rank=32 update-gap=50"},
    {"adago", "nano", "lr=0.1 aux-lr=0.004"},
    /* micro: 3 trials each: AdamW's rates 0.001, 0.002, 0.004 gave 4.86, 4.79, 5.04; Muon's rate
       0.02 with auxiliary rates 0.002, 0.004 gave 4.615, 4.610 */
    {"adamw", "micro", "lr=0.002 warmup=100 weight-decay=0.1"},
    {"muon", "micro", "lr=0.02 aux-lr=0.004"},
    {NULL, NULL, NULL},
};

const char *tuned_settings(const char *optimizer, const char *model) {
  for (const Tuned *t = table; t->optimizer; t++)
    if (strcmp(t->optimizer, optimizer) == 0 && strcmp(t->model, model) == 0) return t->settings;
  return NULL;
}
