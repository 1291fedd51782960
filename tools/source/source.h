/* Options that tools share: the model to read, with its tokenizer (--from, --heads), and how to
   compute (--threads, --precision). */
#ifndef TOOLS_SOURCE_SOURCE_H
#define TOOLS_SOURCE_SOURCE_H

#include "core/option.h"
#include "data/tokenizer.h"
#include "model/gpt2.h"

typedef struct {
  char from[OPTION_TEXT];
  int64_t heads;
  char path[2048]; /* of the file of weights, set by source_open; not an option */
} Source;

extern const Option source_options[]; /* --from --heads */

/* Error: --from is empty. */
int source_check(const Source *source, Err *err);

/* Opens the model for batches of about `tokens` tokens (at least one row), and its tokenizer, NULL
   if none is known. `heads` is the number of heads if neither the file nor --heads says it, or 0 if
   that is an error. Prints a message, with the tool's name, if a newer checkpoint of the run is
   damaged. Errors: those of weights_open and weights_load. */
int source_open(GPT2 **model, Tokenizer **tokenizer, Source *source, const char *tool,
                int64_t tokens, int64_t heads, Err *err);

typedef struct {
  int64_t threads;
  int precision;
} Machine;

extern const Option machine_options[]; /* --threads --precision */

/* Sets threads and precision. Error: a precision that this machine does not have. */
int machine_start(const Machine *machine, Err *err);

#endif
