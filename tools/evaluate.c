/* Measures the loss of a trained model on texts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/blas.h"
#include "core/clock.h"
#include "core/csv.h"
#include "core/file.h"
#include "core/int64.h"
#include "core/memory.h"
#include "core/quote.h"
#include "core/terminal.h"
#include "data/data.h"
#include "data/paths.h"
#include "run/export.h"
#include "run/folder.h"
#include "run/program.h"
#include "tools/source/source.h"

enum { PASS_TOKENS = 4096 }; /* per forward pass */

#define FORMATS(X) X(FORMAT_TABLE, "table") X(FORMAT_CSV, "csv")
enum { FORMATS(CHOICE_NAME) };

typedef struct {
  char data[OPTION_TEXT], separator[OPTION_TEXT];
  int64_t tokens, context;
  int format;
} EvaluateOptions;

#define FIELD(member) offsetof(EvaluateOptions, member)
static const Option evaluate_options[] = {
    {.name = "data",
     .help = "Text or token files: one or more files, lists a,b,c, \"patterns*\" or folders; each "
             "file is measured separately (empty: the validation set of the run)",
     .type = OPTION_WORD, .at = FIELD(data), .fallback = ""},
    {.name = "separator",
     .help = "Text that separates documents in a text file, such as <|endoftext|>; it becomes the "
             "end-of-text token",
     .type = OPTION_WORD, .at = FIELD(separator), .fallback = ""},
    {.name = "tokens", .help = "Tokens of each text to predict (0: all)",
     .type = OPTION_INT, .at = FIELD(tokens), .fallback = "0", .max = 1e15},
    {.name = "context", .help = "Tokens per row, predicted from those before them (0: the model's)",
     .type = OPTION_INT, .at = FIELD(context), .fallback = "0", .max = 1e9},
    {.name = "format", .help = "Output format",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "table",
     .choices = FORMATS(CHOICE_WORD)},
    {0},
};

/* Predicted tokens, their bytes and the sum of their losses. */
typedef struct {
  int64_t tokens, bytes;
  double nats;
} Sum;

typedef struct {
  Source *source;
  const EvaluateOptions *options;
  GPT2 *model;
  Tokenizer *tokenizer; /* NULL: none for this vocabulary; the number of bytes is unknown */
  int64_t T;
  int32_t *ids; /* (max_rows + 1) */
  Sum all;
  int texts;
} Job;

/* ---- one text ---- */

typedef struct {
  const char *name;
  int64_t tokens; /* to predict */
  double started, shown;
} Live;

/* A live line on a terminal, else a line every ten seconds; on stderr. */
static void show_progress(Live *live, const Sum *sum) {
  int terminal = isatty(STDERR_FILENO);
  double now = clock_seconds(), spent = now - live->started;
  char left[32];
  if (now - live->shown < (terminal ? 0.2 : 10)) return;
  live->shown = now;
  terminal_duration(spent / (double)sum->tokens * (double)(live->tokens - sum->tokens), left,
                    sizeof left);
  if (terminal) fputs("\r", stderr);
  quote_terminal(stderr, live->name);
  fprintf(stderr, ": %lld of %lld tokens, %.4f nats/token, %.0f tokens/s, %s left%s",
          (long long)sum->tokens, (long long)live->tokens, sum->nats / (double)sum->tokens,
          (double)sum->tokens / spent, left, terminal ? "\033[K" : "\n");
}

static void clear_progress(void) {
  if (isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
}

/* Adds the next `rows` rows of n tokens, whose contexts begin at `at`. */
static int add_rows(Job *job, const Tokens *t, int64_t segment, int64_t at, int64_t rows, int64_t n,
                    Sum *sum, Err *err) {
  Batch batch = {.x = job->ids, .y = job->ids + 1, .B = rows, .T = n}; /* rows are adjacent */
  threads_follow_load();
  if (tokens_copy(t, segment, at, rows * n + 1, job->ids, err)) return -1;
  sum->nats += gpt2_loss(job->model, &batch) * (double)(rows * n);
  sum->tokens += rows * n;
  for (int64_t i = 0; i < rows * n && job->tokenizer; i++) {
    int length;
    tokenizer_bytes(job->tokenizer, batch.y[i], &length);
    sum->bytes += length;
  }
  return 0;
}

/* The tokens that can be predicted: all except the first of each segment. */
static int64_t predictable(const Tokens *t) {
  int64_t n = 0;
  for (int64_t s = 0; s < t->count; s++) n += i64_max(t->segments[s].count - 1, 0);
  return n;
}

/* Complete rows first, then what remains of each segment. */
static int measure(Job *job, const char *name, const Tokens *t, Sum *sum, Err *err) {
  int64_t T = job->T, most = job->model->max_rows / T, limit = job->options->tokens;
  Live live = {.name = name, .tokens = predictable(t), .started = clock_seconds()};
  if (limit > 0) live.tokens = i64_min(live.tokens, limit);
  live.shown = live.started;
  for (int64_t s = 0; s < t->count; s++)
    for (int64_t at = 0, n; at + 1 < t->segments[s].count && sum->tokens < live.tokens; at += n) {
      n = i64_min(t->segments[s].count - 1 - at, live.tokens - sum->tokens);
      int64_t rows = i64_min(i64_max(n / T, 1), most);
      n = i64_min(n, rows * T);
      if (add_rows(job, t, s, at, rows, n / rows, sum, err)) return clear_progress(), -1;
      show_progress(&live, sum);
    }
  clear_progress();
  return sum->tokens > 0 ? 0 : fail(err, "%s: a text needs at least two tokens", name);
}

static void print_row(const Job *job, const char *name, const Sum *sum) {
  double nats = sum->nats / (double)sum->tokens;
  double bits = sum->bytes > 0 ? sum->nats / log(2) / (double)sum->bytes : NAN;
  if (job->options->format == FORMAT_CSV) {
    csv_put_word(stdout, name);
    printf(",%lld,", (long long)sum->tokens);
    if (sum->bytes > 0) printf("%lld", (long long)sum->bytes);
    csv_put(stdout, nats, 9);
    csv_put(stdout, exp(nats), 9);
    csv_put(stdout, bits, 9);
  } else {
    char bytes[32] = "-", bits_text[32] = "-";
    if (sum->bytes > 0) snprintf(bytes, sizeof bytes, "%lld", (long long)sum->bytes);
    if (sum->bytes > 0) snprintf(bits_text, sizeof bits_text, "%.4f", bits);
    printf("%12lld %12s %12.4f %12.6g %12s  ", (long long)sum->tokens, bytes, nats, exp(nats),
           bits_text);
    quote_terminal(stdout, name);
  }
  putchar('\n');
  fflush(stdout);
}

static void print_head(const Job *job) {
  if (job->options->format == FORMAT_CSV)
    printf("text,tokens,bytes,nats_per_token,perplexity,bits_per_byte\n");
  else printf("%12s %12s %12s %12s %12s  text\n", "tokens", "bytes", "nats/token", "perplexity",
              "bits/byte");
}

static int evaluate_tokens(Job *job, const char *name, const Tokens *t, Err *err) {
  Sum sum = {0};
  if (measure(job, name, t, &sum, err)) return -1;
  if (job->texts++ == 0) print_head(job);
  print_row(job, name, &sum);
  job->all.tokens += sum.tokens;
  job->all.bytes += sum.bytes;
  job->all.nats += sum.nats;
  return 0;
}

/* ---- the texts ---- */

/* In the vocabulary of the model. */
static int evaluate_validation(Job *job, const char *name, DataOptions *options, Err *err) {
  Data *data;
  int characters = job->tokenizer && tokenizer_characters(job->tokenizer);
  *options->vocabulary = 0;
  options->tokenizer = characters ? TOKENIZER_CHAR : TOKENIZER_GPT2;
  if (characters)
    export_vocabulary_path(job->source->path, options->vocabulary, sizeof options->vocabulary);
  if (data_open(&data, options, job->model->size.V, 1, job->T, err)) return -1;
  int status = evaluate_tokens(job, name, data_val_tokens(data), err);
  data_close(data);
  return status;
}

/* The validation set that the run in --from used. */
static int evaluate_run(Job *job, Err *err) {
  char parent[OPTION_TEXT + 8];
  const char *from = job->source->from;
  DataOptions data;
  Settings config = {0};
  OptionSet set = {.title = "data", .rows = data_options, .values = &data};
  snprintf(parent, sizeof parent, "%s/..", from); /* of a checkpoint */
  int status = folder_read_config(from, &config, err);
  if (status == 0 && config.count == 0) status = folder_read_config(parent, &config, err);
  if (status == 0 && config.count == 0)
    status = fail(err, "%s: is not a run with a validation set; give texts with --data", from);
  options_default(&set);
  for (const Option *row = data_options; row->name && status == 0; row++) {
    const char *value = settings_find(&config, row->name, NULL);
    if (value) status = option_set(row, &data, value, from, err);
  }
  settings_free(&config);
  return status ? -1 : evaluate_validation(job, "validation", &data, err);
}

static int evaluate_file(Job *job, const char *path, Err *err) {
  Tokens tokens;
  TextRules rules = {job->tokenizer, job->options->separator};
  if (tokens_open(&tokens, path, job->tokenizer ? &rules : NULL, job->model->size.V, err))
    return -1;
  int status = evaluate_tokens(job, path, &tokens, err);
  tokens_close(&tokens);
  return status;
}

/* A name that cannot be a path is that of built-in texts. */
static int evaluate_paths(Job *job, const char *names, Err *err) {
  PathList list = {0};
  if (!file_taken(names) && !strpbrk(names, "*?[,./")) {
    DataOptions data;
    options_default(&(OptionSet){.title = "data", .rows = data_options, .values = &data});
    snprintf(data.data, sizeof data.data, "%s", names);
    return evaluate_validation(job, names, &data, err);
  }
  int status = paths_list(&list, names, err);
  for (int64_t i = 0; i < list.count && status == 0; i++)
    status = evaluate_file(job, list.path[i], err);
  paths_free(&list);
  return status;
}

/* ---- the program ---- */

static int open_job(Job *job, Err *err) {
  const EvaluateOptions *o = job->options;
  if (source_open(&job->model, &job->tokenizer, job->source, "evaluate", PASS_TOKENS, 0, err))
    return -1;
  const ModelOptions *size = &job->model->size;
  if (o->context > size->context)
    return fail(err, "--context %lld: the model has %lld positions; use at most these",
                (long long)o->context, (long long)size->context);
  job->T = o->context ? o->context : size->context;
  job->ids = memory_take((size_t)job->model->max_rows + 1, sizeof *job->ids);
  return 0;
}

static int evaluate(Job *job, const Machine *machine, char **words, int count, Err *err) {
  int status = machine_start(machine, err) || open_job(job, err) ? -1 : 0;
  if (status == 0 && !*job->options->data && count == 0) status = evaluate_run(job, err);
  if (status == 0 && *job->options->data) status = evaluate_paths(job, job->options->data, err);
  for (int i = 0; i < count && status == 0; i++) status = evaluate_paths(job, words[i], err);
  if (status == 0 && job->texts > 1 && job->options->format == FORMAT_TABLE)
    print_row(job, "total", &job->all);
  tokenizer_close(job->tokenizer);
  gpt2_close(job->model);
  free(job->ids);
  return status;
}

static void help(FILE *out) {
  fprintf(out,
          "Measures the loss of a trained model on texts: nats per token, perplexity and\n"
          "bits per byte.\n\n"
          "  tools/evaluate --from runs/muon-nano --data a.txt b.txt\n\n");
  options_help(out, &(OptionSet){.title = "model", .rows = source_options});
  fputc('\n', out);
  options_help(out, &(OptionSet){.title = "evaluation", .rows = evaluate_options});
  fputc('\n', out);
  options_help(out, &(OptionSet){.title = "machine", .rows = machine_options});
}

static int run(int argc, char **argv, Err *err) {
  Source source;
  EvaluateOptions options;
  Machine machine;
  Job job = {.source = &source, .options = &options};
  const OptionSet sets[] = {{.title = "model", .rows = source_options, .values = &source},
                            {.title = "evaluation", .rows = evaluate_options, .values = &options},
                            {.title = "machine", .rows = machine_options, .values = &machine},
                            {0}};
  char **words = memory_take((size_t)argc, sizeof *words);
  int count = program_words(&argc, argv, words), code = EXIT_USAGE;
  int status = program_options(sets, argc, argv, err) || source_check(&source, err);
  if (status == 0 && *options.separator && !*options.data && count == 0)
    status = fail(err, "--separator: only for texts in --data; the run has its own separator");
  if (status == 0) code = evaluate(&job, &machine, words, count, err) ? EXIT_FAILED : EXIT_DONE;
  free(words);
  return code;
}

int main(int argc, char **argv) {
  const Program program = {.name = "evaluate", .help = help, .run = run, .computes = 1};
  return program_main(&program, argc, argv);
}
