/* Continues a text with a trained model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "data/separator.h"
#include "run/program.h"
#include "run/sample.h"
#include "tools/source/source.h"

/* *text is the prompt that --prompt - reads, or NULL. The line end that `echo` adds is dropped. */
static int read_prompt(const SampleOptions *options, char **text, Err *err) {
  size_t size;
  *text = NULL;
  if (strcmp(options->prompt, "-") != 0) return 0;
  if (file_read("/dev/stdin", text, &size, err)) return -1;
  if (strlen(*text) != size) return fail(err, "--prompt -: standard input has zero bytes");
  if (size > 0 && (*text)[size - 1] == '\n') (*text)[size - 1] = 0;
  return 0;
}

static int print_text(GPT2 *model, const Tokenizer *tokenizer, const SampleOptions *options,
                      Err *err) {
  SampleReport report;
  Random random = random_stream((uint64_t)options->seed, RANDOM_SAMPLE, 0, 0);
  const char *prompt = options->text ? options->text : options->prompt;
  if (tokenizer && separator_missing(options->separator, prompt, strlen(prompt)))
    program_error("generate: remark", SEPARATOR_REMARK("--prompt"));
  if (sample_text(model, tokenizer, options, &random, stdout, &report, err)) return -1;
  printf("\n");
  fflush(stdout);
  fprintf(stderr, "prompt: %lld tokens in %.3f s; then %lld tokens at %.1f tokens/s\n",
          (long long)report.prompt_tokens, report.prompt_seconds, (long long)report.tokens,
          report.tokens > 1 ? (double)(report.tokens - 1) / report.seconds : 0);
  return 0;
}

static int generate(Source *source, const Machine *machine, SampleOptions *options,
                    Err *err) {
  GPT2 *model = NULL;
  Tokenizer *tokenizer = NULL;
  char *text;
  int status = read_prompt(options, &text, err) || machine_start(machine, err) ||
               source_open(&model, &tokenizer, source, "generate", 1, 0, err);
  options->text = text;
  if (status == 0) status = print_text(model, tokenizer, options, err);
  tokenizer_close(tokenizer);
  gpt2_close(model);
  free(text);
  return status;
}

static void help(FILE *out) {
  fprintf(out,
          "Continues a text with a trained model.\n\n"
          "  tools/generate --from runs/muon-nano --prompt \"It is a truth\" --top-p 0.95\n"
          "  tools/generate --from runs/muon-nano --prompt - <start.txt\n\n");
  options_help(out, &(OptionSet){.title = "model", .rows = source_options});
  fputc('\n', out);
  options_help(out, &(OptionSet){.title = "sample", .rows = sample_options});
  fputc('\n', out);
  options_help(out, &(OptionSet){.title = "machine", .rows = machine_options});
}

static int run(int argc, char **argv, Err *err) {
  Source source;
  Machine machine;
  SampleOptions options = {0};
  const OptionSet sets[] = {{.title = "model", .rows = source_options, .values = &source},
                            {.title = "sample", .rows = sample_options, .values = &options},
                            {.title = "machine", .rows = machine_options, .values = &machine},
                            {0}};
  if (program_options(sets, argc, argv, err) || source_check(&source, err)) return EXIT_USAGE;
  return generate(&source, &machine, &options, err) ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv) {
  const Program program = {.name = "generate", .help = help, .run = run, .computes = 1};
  return program_main(&program, argc, argv);
}
