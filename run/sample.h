/* Text from a model, one token at a time. */
#ifndef RUN_SAMPLE_H
#define RUN_SAMPLE_H

#include <stdio.h>

#include "core/option.h"
#include "core/random.h"
#include "data/tokenizer.h"
#include "model/gpt2.h"

typedef struct {
  char prompt[OPTION_TEXT];
  char separator[OPTION_TEXT]; /* in the prompt: becomes end-of-text (data/separator.h) */
  int64_t tokens, top_k, seed;
  double temperature, top_p;
} SampleOptions;

extern const Option sample_options[]; /* --prompt --separator --tokens --temperature --top-k --top-p --seed */

/* What a sample took. */
typedef struct {
  int64_t prompt_tokens, tokens;
  double prompt_seconds, seconds;
} SampleReport;

/* Draws from softmax(logits / temperature), cut to the top_k most probable tokens (0: all), then
   to the fewest of these that have top_p of the probability. Temperature 0 takes the most probable
   one. logits: (V); scratch: room for V candidates of 8 bytes. */
int32_t sample_draw(const SampleOptions *o, const float *logits, int64_t V, void *scratch,
                    Random *random);

/* Prints the continuation of the prompt, or of an end-of-text when it is empty, until the next
   end-of-text or `tokens` tokens. Only whole UTF-8 characters are printed, U+FFFD for bytes that
   are none and, on a terminal, for characters that control it; ids when `tokenizer` is NULL. When the context is full, its second half becomes the
   first. `report` may be NULL. Errors: no memory, a prompt without a tokenizer. */
int sample_text(const GPT2 *model, const Tokenizer *tokenizer, const SampleOptions *options,
                Random *random, FILE *out, SampleReport *report, Err *err);

#endif
