/* info.txt: what a run ran on, and how it ended; written and read here. */
#ifndef RUN_INFO_H
#define RUN_INFO_H

#include "model/gpt2.h"
#include "run/config.h"
#include "run/log.h"

/* Prints the version, the revision, the compiler with its flags, and OpenBLAS with its core. */
void info_version(FILE *out);

/* Writes info.txt: revision, compiler, BLAS, threads, data, routing and memory. */
int info_write(const Config *config, const GPT2 *model, const OptimizerState *optimizer,
               const Data *data, Err *err);

/* For a resumed run, in place of info_write: removes the result that info.txt may hold, and adds a
   line "resumed = ..." with the step and the options that changed. */
int info_write_resumed(const Config *config, Err *err);

/* Adds "result = ...": how the run ended; and, with --clip, "clipped_steps = N of M", counted in
   the log, with the steps before a resumption. */
int info_write_result(const Config *config, const Log *log, const char *result, Err *err);

/* The routing and the memory table, as in info.txt. */
void info_print_tables(FILE *out, const Config *config, const GPT2 *model,
                       const OptimizerState *optimizer);

/* Numbers of an info.txt that programs need again, one a line. */
#define INFO_NUMBERS(X) \
  X(weights) X(val_bytes_per_token) X(flops_per_token) X(optimizer_flops_per_step) \
  X(optimizer_state_bytes)

/* Empty, or NaN, where the file does not say it. */
typedef struct {
  char fingerprint[32]; /* of the data */
  char result[512];     /* "finished", or why not */
#define INFO_NUMBER(name) double name;
  INFO_NUMBERS(INFO_NUMBER)
} Info;

Info info_unknown(void);

/* Reads the info.txt of a folder; without one nothing is known. Error: it cannot be read. */
int info_read(Info *info, const char *folder, Err *err);

#endif
