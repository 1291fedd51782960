/* The folder of a run: who may write to it, and config.txt, which repeats the run. */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include "run/config.h"

/* Locks the folder named by --out, when there is one, before anything takes time; that of a resumed
   run is locked since its checkpoint was opened. Errors: another
   process writes to it; it holds a run, or a file that a run would replace, and --overwrite is off.
   *lock is -1 when there is no such folder yet. */
int folder_claim(const Config *config, int *lock, Err *err);

/* Unless it is claimed already: makes the folder named by --out, or the first free
   runs/OPTIMIZER-MODEL[-N], and stores its name in config->run.out; then claims it. */
int folder_open(Config *config, int *lock, Err *err);

/* Writes config.txt: every option as it is in force, readable as @FOLDER/config.txt. */
int folder_write_config(const Config *config, Err *err);

/* Reads the config.txt of a folder into settings; without one they stay empty. */
int folder_read_config(const char *folder, Settings *settings, Err *err);

#endif
