/* The folder of a run: its lock, and config.txt, which repeats the run. */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include "run/config.h"

/* Locks the folder given by --out early, if it exists; else sets *lock to -1. checkpoint_open has
   already locked the folder of a resumed run. Errors: another process writes to it; without
   --overwrite: it contains a run, or a file that the run would replace. */
int folder_claim(const Config *config, int *lock, Err *err);

/* If no folder is locked yet: creates the folder given by --out, or the first free
   runs/OPTIMIZER-MODEL[-N], stores its name in config->run.out, and locks it. Errors as above. */
int folder_open(Config *config, int *lock, Err *err);

/* Writes config.txt: the value of every option; ./train @FOLDER/config.txt repeats the run. */
int folder_write_config(const Config *config, Err *err);

/* Reads the config.txt of a folder into settings, which stay empty if there is none. */
int folder_read_config(const char *folder, Settings *settings, Err *err);

#endif
