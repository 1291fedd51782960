/* Continues a text with a trained model. */
#include <stdio.h>
#include <string.h>

#include "core/blas.h"
#include "core/precision.h"
#include "data/separator.h"
#include "run/checkpoint.h"
#include "run/export.h"
#include "run/program.h"
#include "run/sample.h"

typedef struct {
  char from[OPTION_TEXT];
  int64_t heads, threads;
  int precision;
} Where;

#define FIELD(member) offsetof(Where, member)
static const Option where_options[] = {
    {.name = "from",
     .help = "Model to read: a run, a checkpoint, a Hugging Face folder or .safetensors file, or "
             "an llm.c checkpoint",
     .type = OPTION_WORD, .at = FIELD(from), .fallback = ""},
    {.name = "heads", .help = "Attention heads (0: as the file says)",
     .type = OPTION_INT, .at = FIELD(heads), .fallback = "0", .max = 1000},
    {.name = "threads", .help = "Number of threads (0: one per core)",
     .type = OPTION_INT, .at = FIELD(threads), .fallback = "0", .max = 4096},
    PRECISION_OPTION(Where, precision, .min = 0),
    {0},
};

static int open_model(GPT2 **model, Tokenizer **tokenizer, const Where *where, Err *err) {
  Weights w;
  Err passed = {""};
  *model = NULL;
  if (checkpoint_weights(&w, where->from, &passed, err)) return -1;
  if (*passed.text) program_error("generate: a newer checkpoint cannot be used", passed.text);
  if (where->heads) w.size.NH = where->heads;
  int status = 0;
  if (w.size.NH == 0)
    status = fail(err, "%s: does not say how many heads it has: give --heads", where->from);
  if (status == 0) status = gpt2_open(model, &w.size, 1, 0, err) || weights_load(&w, *model, err);
  if (status == 0) status = export_tokenizer(tokenizer, w.path, w.size.V, err);
  weights_close(&w);
  return status ? -1 : 0;
}

static int generate(const Where *where, const SampleOptions *options, Err *err) {
  GPT2 *model = NULL;
  Tokenizer *tokenizer = NULL;
  SampleReport report;
  Random random = random_stream((uint64_t)options->seed, RANDOM_SAMPLE, 0, 0);
  threads_start((int)where->threads);
  precision_set((Precision)where->precision);
  int status = precision_start(err) || open_model(&model, &tokenizer, where, err) ? -1 : 0;
  if (tokenizer && separator_missing(options->separator, options->prompt, strlen(options->prompt)))
    program_error("generate: remark", SEPARATOR_REMARK("--prompt"));
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

static void help(FILE *out) {
  fprintf(out,
          "Continues a text with a trained model.\n\n"
          "  tools/generate --from runs/muon-nano --prompt \"It is a truth\" --top-p 0.95\n\n");
  options_help(out, &(OptionSet){.title = "model", .rows = where_options});
  options_help(out, &(OptionSet){.title = "sample", .rows = sample_options});
}

static int run(int argc, char **argv, Err *err) {
  Where where;
  SampleOptions options;
  const OptionSet sets[] = {{.title = "model", .rows = where_options, .values = &where},
                            {.title = "sample", .rows = sample_options, .values = &options},
                            {0}};
  int status = program_options(sets, argc, argv, err);
  if (status == 0 && !*where.from)
    status = fail(err, "--from is required: name a run, a checkpoint or a model file");
  if (status) return EXIT_USAGE;
  return generate(&where, &options, err) ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv) {
  const Program program = {.name = "generate", .help = help, .run = run, .computes = 1};
  return program_main(&program, argc, argv);
}
