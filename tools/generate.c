/* Continues a text with a trained model. */
#include <stdio.h>
#include <string.h>

#include "core/blas.h"
#include "core/option.h"
#include "core/startup.h"
#include "model/weights.h"
#include "run/sample.h"

typedef struct {
  char from[OPTION_TEXT];
  int64_t heads, threads;
} Where;

#define FIELD(member) offsetof(Where, member)
static const Option where_options[] = {
    {"from", "a run, a checkpoint, a Hugging Face folder or .safetensors, an llm.c checkpoint",
     OPTION_WORD, FIELD(from), "", 0, 0, NULL},
    {"heads", "attention heads; 0: as the file says", OPTION_INT, FIELD(heads), "0", 0, 1000, NULL},
    {"threads", "0: one per processor", OPTION_INT, FIELD(threads), "0", 0, 4096, NULL},
    {NULL, NULL, 0, 0, NULL, 0, 0, NULL},
};

static int open_model(GPT2 **model, const Where *where, Err *err) {
  Weights w;
  *model = NULL;
  if (weights_open(&w, where->from, err)) return -1;
  if (where->heads) w.size.NH = where->heads;
  int status = 0;
  if (w.size.NH == 0)
    status = fail(err, "%s: does not say how many heads it has: give --heads", where->from);
  if (status == 0) status = gpt2_open(model, &w.size, 1, 0, err) || weights_load(&w, *model, err);
  weights_close(&w);
  return status ? -1 : 0;
}

static int open_tokenizer(Tokenizer **tokenizer, const GPT2 *m, Err *err) {
  int64_t V = m->size.V;
  *tokenizer = NULL;
  if (V < TOKENIZER_VOCAB_MIN || V > TOKENIZER_VOCAB_MAX) return 0; /* ids are printed */
  return tokenizer_open(tokenizer, (int)V, err);
}

static int generate(const Where *where, const SampleOptions *options, Err *err) {
  GPT2 *model = NULL;
  Tokenizer *tokenizer = NULL;
  SampleReport report;
  Random random = random_stream((uint64_t)options->seed, RANDOM_SAMPLE, 0, 0);
  threads_start((int)where->threads);
  int status = open_model(&model, where, err) || open_tokenizer(&tokenizer, model, err);
  if (status == 0) {
    fputs(options->prompt, stdout);
    status = sample_text(model, tokenizer, options, &random, stdout, &report, err);
  }
  if (status == 0) {
    printf("\n");
    fflush(stdout);
    fprintf(stderr, "prompt: %lld tokens in %.3f s; then %lld tokens at %.1f tokens/s\n",
            (long long)report.prompt_tokens, report.prompt_seconds, (long long)report.tokens,
            report.tokens > 1 ? (double)(report.tokens - 1) / report.seconds : 0);
  }
  tokenizer_close(tokenizer);
  gpt2_close(model);
  return status;
}

int main(int argc, char **argv) {
  Where where;
  SampleOptions options;
  const OptionSet sets[] = {{"model", where_options, &where},
                            {"sample", sample_options, &options},
                            {NULL, NULL, NULL}};
  const OptionSet others[] = {{NULL, NULL, NULL}};
  Settings settings = {0};
  Err err;
  if (argc < 2 || strcmp(argv[1], "--help") == 0) {
    printf("Continues a text with a trained model.\n\n"
           "  tools/generate --from runs/muon-nano --prompt \"It is a truth\" --top-p 0.95\n\n");
    options_help(stdout, &sets[0]);
    options_help(stdout, &sets[1]);
    return argc < 2 ? 2 : 0;
  }
  int status = settings_read(&settings, argc, argv, &err) ||
               options_apply(sets, others, &settings, &err);
  settings_free(&settings);
  if (status == 0 && !*where.from) status = fail(&err, "--from is missing: which model?");
  if (status) {
    fprintf(stderr, "generate: %s\n", err.text);
    return 2;
  }
  if (startup(argv, &err)) {
    fprintf(stderr, "generate: %s\n", err.text);
    return 1;
  }
  if (*startup_warning()) fprintf(stderr, "generate: %s\n", startup_warning());
  if (generate(&where, &options, &err) == 0) return 0;
  fprintf(stderr, "generate: %s\n", err.text);
  return 1;
}
