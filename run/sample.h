/* Text from the model, one token at a time. */
#ifndef RUN_SAMPLE_H
#define RUN_SAMPLE_H

#include <stdio.h>

#include "core/random.h"
#include "data/tokenizer.h"
#include "model/gpt2.h"

/* Prints up to `count` tokens drawn from the model at temperature 0.8, starting behind an
   end-of-text; ids in place of text when there is no tokenizer. Stops at the context's end. */
int sample_text(GPT2 *model, const Tokenizer *tokenizer, int count, Random *random, FILE *out,
                Err *err);

#endif
