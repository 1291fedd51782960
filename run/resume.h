/* The options of a resumed run: those of its checkpoint, and which of them may change. */
#ifndef RUN_RESUME_H
#define RUN_RESUME_H

#include "data/data.h"
#include "run/checkpoint.h"
#include "run/options.h"

/* Adds the checkpoint's options with lower priority than the user's. Error: another --optimizer. */
int resume_settings(const Checkpoint *from, Settings *s, Err *err);

/* Call after all options are set: compares them with the checkpoint's, appends the differences to
   `changes`, and sets --out to the run's folder. Error: a change that is not allowed. */
int resume_check(const Checkpoint *from, const OptionSet *sets, RunOptions *run,
                 char changes[OPTION_TEXT], Err *err);

/* Error if the data is not that of the checkpoint, by fingerprint. */
int resume_check_data(const Checkpoint *from, const DataOptions *data, uint32_t fingerprint,
                      Err *err);

#endif
