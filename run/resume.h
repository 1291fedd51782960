/* Which options a resumed run takes from its checkpoint, and which it may change. */
#ifndef RUN_RESUME_H
#define RUN_RESUME_H

#include "run/config.h"

/* Adds the checkpoint's options below those of the user. Error: another --optimizer. */
int resume_settings(const Checkpoint *from, Settings *s, Err *err);

/* When all options are in force: compares them with the checkpoint's, lists what changed in
   config->changes, and points --out to the run. Error: an option that has to stay is changed. */
int resume_check(Config *config, Err *err);

/* Whether the data are those of the checkpoint, by their fingerprint. */
int resume_check_data(const Config *config, uint32_t fingerprint, Err *err);

#endif
