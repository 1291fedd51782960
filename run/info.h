/* info.txt: program, machine, data and result of a run. */
#ifndef RUN_INFO_H
#define RUN_INFO_H

#include "model/gpt2.h"
#include "run/config.h"
#include "run/footprint.h"
#include "run/log.h"

/* Prints the version, the revision, the compiler with its flags, and OpenBLAS with its core. */
void info_version(FILE *out);

/* Writes the precision and the path of the model's and the optimizer's products to out: "bf16 (path
   avx512-bf16)". */
void info_precision(char *out, size_t size, const Config *config);

/* Writes info.txt: revision, compiler, BLAS, threads, data, routing and memory. */
int info_write(const Config *config, const GPT2 *model, const OptimizerState *optimizer,
               const Data *data, const Footprint *memory, Err *err);

/* For a resumed run, instead of info_write: removes the result from info.txt and adds a line
   "resumed = ..." with the step and the options that changed, and "extended = ..." if the run
   became longer. */
int info_write_resumed(const Config *config, Err *err);

/* Adds "result = ...": how the run ended, and "peak_memory_bytes", the largest memory of this
   process. With --clip also "clipped_steps = N of M", counted over the whole log. */
int info_write_result(const Config *config, const Log *log, const char *result, Err *err);

/* Prints the parameter table and the memory table of info.txt. */
void info_print_tables(FILE *out, const Config *config, const GPT2 *model,
                       const OptimizerState *optimizer, const Footprint *memory);

/* Numbers of info.txt that programs read. */
#define INFO_NUMBERS(X) \
  X(weights) X(val_bytes_per_token) X(flops_per_token) X(optimizer_flops_per_step) \
  X(optimizer_state_bytes)

/* Values that the file does not have are empty or NaN. */
typedef struct {
  char fingerprint[32]; /* of the data */
  char extended[256];   /* "after step 300 from 300 to 600 steps: ..."; empty: it was not */
  char result[512];     /* "finished" or the reason for the end */
  double peak_memory_bytes;
#define INFO_NUMBER(name) double name;
  INFO_NUMBERS(INFO_NUMBER)
} Info;

Info info_unknown(void);

/* Reads the info.txt of a folder; if there is none, all values are empty or NaN. Error: it cannot
   be read. */
int info_read(Info *info, const char *folder, Err *err);

#endif
