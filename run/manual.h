/* --help and --list of ./train. */
#ifndef RUN_MANUAL_H
#define RUN_MANUAL_H

#include <stdio.h>

#include "core/error.h"

/* Help on everything (topic NULL), an optimizer, a group of options such as "schedule", or an
   option. Error: no such topic. */
int manual_help(FILE *out, const char *topic, Err *err);

/* Optimizers, models and schedules. */
void manual_list(FILE *out);

#endif
