/* The memory that a run needs, known before it is allocated: every size comes from the code that
   lays the memory out. */
#ifndef RUN_FOOTPRINT_H
#define RUN_FOOTPRINT_H

#include <stdio.h>

#include "run/config.h"

/* Bytes. */
typedef struct {
  double weights, gradients, activations;
  double state, work; /* of the optimizer */
  double gathered;    /* with several ranks: the whole state, while it is saved or restored */
  double nodes;       /* weights and gradients of the nodes of a decentralized method */
  double spectrum;    /* of --log-spectrum */
  double data;        /* tokens; mapped files need none */
} Footprint;

/* Of a run with `rows` sequences per pass; `data` is NULL before the data is open. Error: the sizes
   make no model. */
int footprint_plan(Footprint *f, const Config *config, int64_t rows, const Data *data, Err *err);

double footprint_total(const Footprint *f);

/* Error if the run needs more than `available` bytes in addition to the open data: the message
   names `limit` (core/available.h) and the largest --micro-batch that fits. */
int footprint_check(const Config *config, int64_t rows, double available, const char *limit,
                    Err *err);

/* Prints one line, "memory in MB: weights 5.3, ...". */
void footprint_print(FILE *out, const Footprint *f);

/* Prints the models (--list), and what each needs with AdamW. */
void footprint_list_models(FILE *out);

#endif
