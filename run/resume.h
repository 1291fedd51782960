/* The options of a resumed run: those of its checkpoint, and which of them may change. */
#ifndef RUN_RESUME_H
#define RUN_RESUME_H

#include "run/config.h"

/* Adds the checkpoint's options with lower priority than the user's. Error: another --optimizer. */
int resume_settings(const Checkpoint *from, Settings *s, Err *err);

/* Call after all options are set: compares them with the checkpoint's, lists the changes in
   config->changes, and sets --out to the run's folder. Error: a change that is not allowed. */
int resume_check(Config *config, Err *err);

/* Error if the data is not that of the checkpoint, by fingerprint. */
int resume_check_data(const Config *config, uint32_t fingerprint, Err *err);

#endif
