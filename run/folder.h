/* The folder of a run: config.txt, which repeats it; info.txt, what it ran on; log.csv. */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include "model/gpt2.h"
#include "run/config.h"
#include "run/log.h"

/* Locks the folder given by --out early, if it exists; else sets *lock to -1. checkpoint_open has
   already locked the folder of a resumed run. Errors: another process writes to it; without
   --overwrite: it contains a run, or a file that the run would replace. */
int folder_claim(const Config *config, int *lock, Err *err);

/* If no folder is locked yet: creates the folder given by --out, or the first free
   runs/OPTIMIZER-MODEL[-N], stores its name in config->run.out, and locks it. Errors as above. */
int folder_open(Config *config, int *lock, Err *err);

/* Writes config.txt: the value of every option; ./train @FOLDER/config.txt repeats the run. */
int folder_write_config(const Config *config, Err *err);

/* Writes info.txt: revision, compiler, BLAS, threads, data, routing and memory. */
int folder_write_info(const Config *config, const GPT2 *model, const OptimizerState *optimizer,
                      const Data *data, Err *err);

/* For a resumed run, in place of folder_write_info: takes back the result that info.txt may hold,
   and adds a line "resumed = ..." with the step and the options that changed. */
int folder_write_resumed(const Config *config, Err *err);

/* Adds "result = ..." to info.txt: how the run ended; and, with --clip, "clipped_steps = N of M" as
   the log has them, those before a resumption too. */
int folder_write_result(const Config *config, const Log *log, const char *result, Err *err);

/* The routing and the memory table, as in info.txt. */
void folder_print_tables(FILE *out, const Config *config, const GPT2 *model,
                         const OptimizerState *optimizer);

#endif
