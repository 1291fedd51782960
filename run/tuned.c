#include "run/tuned.h"

#include <stddef.h>
#include <string.h>

typedef struct {
  const char *optimizer, *model, *settings;
} Tuned;

/* Each row is the best of the trials named above it, by the validation loss (32768 tokens) at the
   end of the preset's whole schedule, seed 1. The specs in tools/specs repeat such searches. */
static const Tuned table[] = {
    /* nano, 15 trials. Rates 0.0005 to 0.008 with warm-up 20 (best 4.922, at 0.002); warm-ups 60
       to 200 (4.831, 4.761, 4.722, 4.730: a long one lets AdamW take twice the rate, and is worth
       0.2); beta2 0.99 and no decay (no gain); a rate of 0.016 of the embeddings' own (4.724: no
       gain). */
    {"adamw", "nano", "lr=0.004 warmup=150 weight-decay=0.1"},
    /* nano, 13 trials. Rates 0.005 to 0.08 (4.57 to 4.61 from 0.01 to 0.04); auxiliary rates 0.001
       to 0.032 (4.788, 4.571, 4.477, 4.432, 4.398, 4.412: they matter more than Muon's own);
       warm-up 100 (no gain). */
    {"muon", "nano", "lr=0.02 aux-lr=0.016"},
    /* nano, 3 trials each, of tools/specs/compare.spec: half and twice these rates were worse. */
    {"low-rank-muon", "nano", "lr=0.02 aux-lr=0.016 rank=32"},
    {"sumo", "nano", "lr=0.004 aux-lr=0.016 rank=32 update-gap=50"},
    {"adago", "nano", "lr=0.1 aux-lr=0.016"},
    /* micro, 4 trials each. AdamW: rates 0.001, 0.002, 0.004 with warm-up 100 (4.861, 4.794, 5.041)
       and 0.003 with 150 (4.783). Muon: rate 0.02 with auxiliary rates 0.002, 0.004, 0.008 (4.615,
       4.610, 4.598) and 0.01 with 0.002 (4.607). */
    {"adamw", "micro", "lr=0.003 warmup=150 weight-decay=0.1"},
    {"muon", "micro", "lr=0.02 aux-lr=0.008"},
    /* sgd: rates 0.1, 0.3, 1, 3 on nano (5.352, 5.292, 5.510, 7.170), 0.1, 0.3 on micro (5.306,
       5.245), warm-up 100 */
    {"sgd", "nano", "lr=0.3 warmup=100"},
    {"sgd", "micro", "lr=0.3 warmup=100"},
    {NULL, NULL, NULL},
};

const char *tuned_settings(const char *optimizer, const char *model) {
  for (const Tuned *t = table; t->optimizer; t++)
    if (strcmp(t->optimizer, optimizer) == 0 && strcmp(t->model, model) == 0) return t->settings;
  return NULL;
}
