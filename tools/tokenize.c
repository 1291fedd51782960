/* Turns text into files of tokens that training reads without work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/blas.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/option.h"
#include "data/paths.h"
#include "data/shards.h"
#include "data/tokenizer.h"

enum { EOT_BEFORE, EOT_AFTER };
enum { BATCH_BYTES = 1 << 26 }; /* of documents that are encoded side by side */

typedef struct {
  char from[OPTION_TEXT], to[OPTION_TEXT], separator[OPTION_TEXT];
  int format, eot;
  int64_t vocab, shard_tokens, threads;
} TokenizeOptions;

#define FIELD(member) offsetof(TokenizeOptions, member)
static const Option tokenize_options[] = {
    {"from", "texts: a file, files with commas, a \"pattern*\" or a folder (.txt, .txt.gz)",
     OPTION_WORD, FIELD(from), "", 0, 0, NULL},
    {"to", "llm.c: shards TO_000000.bin, ...; nanogpt: the file itself", OPTION_WORD, FIELD(to), "",
     0, 0, NULL},
    {"format", "llm.c: shards with a header; nanogpt: one file of ids", OPTION_CHOICE,
     FIELD(format), "llm.c", 0, 0, SHARD_FORMATS},
    {"eot", "end-of-text before each document, as llm.c, or after it, as nanoGPT", OPTION_CHOICE,
     FIELD(eot), "before", 0, 0, "before|after"},
    {"separator", "a line that parts documents, such as <|endoftext|>; empty: a file is one",
     OPTION_WORD, FIELD(separator), "", 0, 0, NULL},
    {"vocab", "tokens of the vocabulary, as in training", OPTION_INT, FIELD(vocab), "50257",
     TOKENIZER_VOCAB_MIN, TOKENIZER_VOCAB_MAX, NULL},
    {"shard-tokens", "tokens of a shard", OPTION_INT, FIELD(shard_tokens), "100M", 1, 2147483647,
     NULL},
    {"threads", "0: one per processor", OPTION_INT, FIELD(threads), "0", 0, 4096, NULL},
    {NULL, NULL, 0, 0, NULL, 0, 0, NULL},
};

/* A document and its ids, with room for the end-of-text. */
typedef struct {
  const char *text;
  size_t size;
  uint16_t *ids;
  size_t count;
} Document;

typedef struct {
  const TokenizeOptions *options;
  Tokenizer *tokenizer;
  Shards shards;
  int64_t documents, bytes;
  double started, shown;
} Job;

static void show_progress(Job *job, int last) {
  static const double REDRAW_SECONDS = 0.2;
  double now = clock_seconds();
  if (!last && (!isatty(STDERR_FILENO) || now - job->shown < REDRAW_SECONDS)) return;
  job->shown = now;
  fprintf(stderr, "%s%lld documents, %.1f MB, %lld tokens, %.1f MB/s%s",
          isatty(STDERR_FILENO) ? "\r" : "", (long long)job->documents, (double)job->bytes / 1e6,
          (long long)job->shards.tokens, (double)job->bytes / 1e6 / (now - job->started),
          last ? "\n" : "\033[K");
}

static int encode(const Job *job, Document *d, Err *err) {
  int before = job->options->eot == EOT_BEFORE;
  uint16_t eot = (uint16_t)tokenizer_eot(job->tokenizer);
  d->ids = malloc((d->size + 1) * sizeof *d->ids);
  if (!d->ids) return fail(err, "no memory for a document of %zu bytes", d->size);
  if (tokenizer_encode(job->tokenizer, d->text, d->size, d->ids + before, &d->count, err))
    return -1;
  d->ids[before ? 0 : d->count] = eot;
  d->count++;
  return 0;
}

/* Many documents: one thread each. One: all threads on its parts, inside tokenizer_encode. */
static int write_batch(Job *job, Document *d, int count, Err *err) {
  int status = 0;
#pragma omp parallel for schedule(dynamic) if (count > 1)
  for (int i = 0; i < count; i++) {
    Err mine;
    if (encode(job, &d[i], &mine)) {
#pragma omp critical
      {
        *err = mine;
        status = -1;
      }
    }
  }
  for (int i = 0; i < count; i++) {
    if (status == 0) status = shards_put(&job->shards, d[i].ids, (int64_t)d[i].count, err);
    job->documents++;
    job->bytes += (int64_t)d[i].size;
    free(d[i].ids);
  }
  show_progress(job, 0);
  return status;
}

/* The end of the document that begins at `text`, and in *next where the one behind it begins. */
static const char *document_end(const char *text, const char *end, const char *separator,
                                const char **next) {
  size_t length = strlen(separator);
  for (const char *line = text; line < end;) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    const char *after = stop ? stop + 1 : end;
    size_t size = (size_t)((stop ? stop : end) - line);
    if (length > 0 && size == length && memcmp(line, separator, length) == 0) {
      *next = after;
      return line;
    }
    line = length > 0 ? after : end;
  }
  *next = end;
  return end;
}

static int write_text(Job *job, const char *text, size_t size, Err *err) {
  enum { BATCH = 1024 };
  Document batch[BATCH];
  const char *end = text + size, *next;
  size_t bytes = 0;
  int count = 0, status = 0;
  for (; text < end && status == 0; text = next) {
    const char *stop = document_end(text, end, job->options->separator, &next);
    if (stop > text) batch[count++] = (Document){.text = text, .size = (size_t)(stop - text)};
    bytes += (size_t)(stop - text);
    if (count < BATCH && bytes < BATCH_BYTES && next < end) continue;
    status = write_batch(job, batch, count, err);
    count = 0;
    bytes = 0;
  }
  return status;
}

static int write_file(Job *job, const char *path, Err *err) {
  char *text;
  size_t size;
  if (path_of_tokens(path))
    return fail(err, "%s: named as a file of tokens; texts are needed", path);
  if (file_read(path, &text, &size, err)) return -1;
  int status = size == 0 ? fail(err, "%s: the file is empty", path)
                         : write_text(job, text, size, err);
  free(text);
  return status;
}

static int tokenize(const TokenizeOptions *o, Err *err) {
  Job job = {.options = o, .started = clock_seconds()};
  PathList list = {0};
  threads_start((int)o->threads);
  shards_open(&job.shards, (ShardFormat)o->format, o->to, o->shard_tokens);
  int status = paths_list(&list, o->from, err) ||
               tokenizer_open(&job.tokenizer, (int)o->vocab, err);
  for (int i = 0; i < list.count && status == 0; i++) status = write_file(&job, list.path[i], err);
  status = shards_close(&job.shards, status, err);
  if (status == 0) {
    show_progress(&job, 1);
    printf("%lld tokens in %d file%s\n", (long long)job.shards.tokens, job.shards.files,
           job.shards.files == 1 ? "" : "s");
  }
  tokenizer_close(job.tokenizer);
  paths_free(&list);
  return status;
}

int main(int argc, char **argv) {
  TokenizeOptions options;
  const OptionSet sets[] = {{"options", tokenize_options, &options}, {NULL, NULL, NULL}};
  const OptionSet others[] = {{NULL, NULL, NULL}};
  Settings settings = {0};
  Err err;
  if (argc < 2 || strcmp(argv[1], "--help") == 0) {
    printf("Turns text into files of tokens.\n\n"
           "  tools/tokenize --from \"texts/*.txt\" --to data/books_train\n\n");
    options_help(stdout, &sets[0]);
    return argc < 2 ? 2 : 0;
  }
  int status = settings_read(&settings, argc, argv, &err) ||
               options_apply(sets, others, &settings, &err);
  settings_free(&settings);
  if (status == 0 && (!*options.from || !*options.to))
    status = fail(&err, "--from and --to are both needed");
  if (status) {
    fprintf(stderr, "tokenize: %s\n", err.text);
    return 2;
  }
  if (tokenize(&options, &err) == 0) return 0;
  fprintf(stderr, "tokenize: %s\n", err.text);
  return 1;
}
