#include "optim/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every method, in the order of --list. One of your own is one more line. */
#define METHODS(ENTRY)   \
  ENTRY(adamw)           \
  ENTRY(muon)            \
  ENTRY(low_rank_muon)   \
  ENTRY(sumo)            \
  ENTRY(adago)           \
  ENTRY(msgd)            \
  ENTRY(low_rank_msgd)   \
  ENTRY(trust_region)    \
  ENTRY(scion)           \
  ENTRY(clipped_scion)   \
  ENTRY(orthogonal_sgdm) \
  ENTRY(root)            \
  ENTRY(dion)            \
  ENTRY(dion2)           \
  ENTRY(normuon)         \
  ENTRY(muonh)           \
  ENTRY(muoneq)          \
  ENTRY(muon2)           \
  ENTRY(aurora)          \
  ENTRY(adamuon)         \
  ENTRY(contra_muon)     \
  ENTRY(polargrad)       \
  ENTRY(soap_muon)       \
  ENTRY(demuon)          \
  ENTRY(ademamix)        \
  ENTRY(mars)            \
  ENTRY(schedule_free)   \
  ENTRY(adadiag)         \
  ENTRY(soap)            \
  ENTRY(galore)          \
  ENTRY(lion)            \
  ENTRY(sgd)

#define DECLARE(method) extern const Optimizer method;
#define ADDRESS(method) &method,
METHODS(DECLARE)
const Optimizer *const optimizers[] = {METHODS(ADDRESS) NULL};

const Optimizer *optimizer_find(const char *name, Err *err) {
  for (const Optimizer *const *o = optimizers; *o; o++)
    if (strcmp((*o)->name, name) == 0) return *o;
  char *words;
  size_t size;
  FILE *list = open_memstream(&words, &size);
  for (const Optimizer *const *o = optimizers; *o; o++)
    fprintf(list, "%s%s", o == optimizers ? "" : "|", (*o)->name);
  fclose(list);
  const char *near = nearest_word(name, words);
  fail(err, "--optimizer %s: choose one of %s%s%s%s", name, words, near ? "; did you mean " : "",
       near ? near : "", near ? "?" : "");
  free(words);
  return NULL;
}
