/* Generates text from a model, one token at a time. */
#ifndef RUN_SAMPLE_H
#define RUN_SAMPLE_H

#include <stdio.h>

#include "core/option.h"
#include "core/random.h"
#include "data/tokenizer.h"
#include "model/gpt2.h"

typedef struct {
  char prompt[OPTION_TEXT];
  const char *text; /* if not NULL, the prompt, of any length */
  char separator[OPTION_TEXT]; /* text in the prompt that becomes end-of-text (data/separator.h) */
  int64_t tokens, top_k, seed;
  double temperature, top_p;
} SampleOptions;

/* --prompt --separator --tokens --temperature --top-k --top-p --seed */
extern const Option sample_options[];

/* Cost of a sample. */
typedef struct {
  int64_t prompt_tokens, tokens;
  double prompt_seconds, seconds;
} SampleReport;

/* Samples a token from softmax(logits / temperature), limited to the top_k most probable tokens (0:
   all) and then to the fewest of these with probability top_p together. Temperature 0: returns the
   most probable token. logits (V); scratch: 8 V bytes. */
int32_t sample_draw(const SampleOptions *o, const float *logits, int64_t V, void *scratch,
                    Random *random);

/* Prints the prompt and its continuation until the next end-of-text or for `tokens` tokens. An
   empty prompt counts as tokenizer_start. Prints complete UTF-8 characters, with U+FFFD for invalid
   bytes and, on a terminal, for control characters; or token ids if `tokenizer` is NULL. When the
   context is full, its first half is dropped. `report` may be NULL. Errors: no memory; a prompt
   without a tokenizer or longer than the context. */
int sample_text(const GPT2 *model, const Tokenizer *tokenizer, const SampleOptions *options,
                Random *random, FILE *out, SampleReport *report, Err *err);

#endif
