/* Turns text into files of tokens that training reads directly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/blas.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/reader.h"
#include "data/characters.h"
#include "data/meta.h"
#include "data/paths.h"
#include "data/separator.h"
#include "data/shards.h"
#include "data/token_file.h"
#include "data/tokenizer.h"
#include "data/tokens.h"
#include "run/program.h"

#define EOT_PLACES(X) X(EOT_BEFORE, "before") X(EOT_AFTER, "after")
enum { EOT_PLACES(CHOICE_NAME) };
#define KINDS "gpt2|bytes|char"
enum { KIND_GPT2, KIND_BYTES, KIND_CHAR };
enum { BATCH = 1024 }; /* documents that are encoded side by side */

typedef struct {
  char from[OPTION_TEXT], to[OPTION_TEXT], separator[OPTION_TEXT];
  int tokenizer, format, eot, overwrite;
  int64_t vocab, shard_tokens, buffer, threads;
} TokenizeOptions;

#define FIELD(member) offsetof(TokenizeOptions, member)
static const Option tokenize_options[] = {
    {.name = "from",
     .help = "Texts to read: a file, a list a,b,c, a \"pattern*\" or a folder (.txt, .txt.gz)",
     .type = OPTION_WORD, .at = FIELD(from), .fallback = ""},
    {.name = "to",
     .help = "Output: the file (nanogpt), or the start of the names of shards NAME_000000.bin, ... "
             "(llm.c)",
     .type = OPTION_WORD, .at = FIELD(to), .fallback = ""},
    {.name = "tokenizer",
     .help = "What a token is: a piece of GPT-2's vocabulary, a byte, or a character (its ids are "
             "those of the " META_FILE " beside --to, which is written if there is none)",
     .type = OPTION_CHOICE, .at = FIELD(tokenizer), .fallback = "gpt2", .choices = KINDS},
    {.name = "format",
     .help = "Output format: llm.c shards with a header, or one nanoGPT file of ids",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "llm.c", .choices = SHARD_FORMATS},
    {.name = "eot",
     .help = "Put the end-of-text token before each document (llm.c) or after it (nanoGPT)",
     .type = OPTION_CHOICE, .at = FIELD(eot), .fallback = "before",
     .choices = EOT_PLACES(CHOICE_WORD), .needs = "tokenizer!=char"},
    {.name = "separator",
     .help = "Text that separates documents, such as <|endoftext|> (empty: one document per file)",
     .type = OPTION_WORD, .at = FIELD(separator), .fallback = "", .needs = "tokenizer!=char"},
    {.name = "vocab", .help = "Vocabulary size, as in training",
     .type = OPTION_INT, .at = FIELD(vocab), .fallback = "50257", .min = TOKENIZER_VOCAB_MIN,
     .max = TOKENIZER_VOCAB_MAX, .needs = "tokenizer=gpt2"},
    {.name = "shard-tokens", .help = "Tokens per shard",
     .type = OPTION_INT, .at = FIELD(shard_tokens), .fallback = "100M", .min = 1,
     .max = 2147483647},
    {.name = "buffer",
     .help = "Bytes of text processed at a time; needs about four times as much memory",
     .type = OPTION_INT, .at = FIELD(buffer), .fallback = "64M", .min = 1, .max = 1e12},
    {.name = "overwrite",
     .help = "Replace existing files in --to, and remove later shards of the same name",
     .type = OPTION_CHOICE, .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF},
    {.name = "threads", .help = "Number of threads (0: one per core)",
     .type = OPTION_INT, .at = FIELD(threads), .fallback = "0", .max = 4096},
    {0},
};

/* A document, or a part of one that does not fit the buffer, and its ids. */
typedef struct {
  const char *text;
  size_t size;
  int begins, ends; /* its document */
  uint16_t *ids; /* (size + 1) the text's and an end-of-text */
  size_t count;
} Piece;

/* The part of a file that is in memory. */
typedef struct {
  Reader reader;
  char *text; /* (size) */
  size_t size, room;
  int begun;  /* part of the file was read */
  int ended;  /* nothing is left in it */
  int spells_eot; /* end-of-text is in it, and no separator was given */
  int inside; /* text continues a document that has begun */
  char before; /* the character before text[0]; a line end at the file's start */
} Window;

typedef struct {
  const TokenizeOptions *options;
  Tokenizer *tokenizer;
  const char *path; /* of the text that is read */
  char meta[OPTION_TEXT + 16]; /* the meta.pkl to write, or empty */
  Shards shards;
  int64_t documents, bytes, separators;
  double started, shown;
} Job;

static void show_progress(Job *job, int last) {
  static const double REDRAW_SECONDS = 0.2;
  double now = clock_seconds();
  if (!last && (!isatty(STDERR_FILENO) || now - job->shown < REDRAW_SECONDS)) return;
  job->shown = now;
  fprintf(stderr, "%s%lld document%s, %.1f MB, %lld tokens, %.1f MB/s%s",
          isatty(STDERR_FILENO) ? "\r" : "", (long long)job->documents,
          job->documents == 1 ? "" : "s", (double)job->bytes / 1e6,
          (long long)job->shards.tokens, (double)job->bytes / 1e6 / (now - job->started),
          last ? "\n" : "\033[K");
}

static int encode(const Job *job, Piece *p, Err *err) {
  int has_eot = tokenizer_eot(job->tokenizer) >= 0;
  int before = has_eot && p->begins && job->options->eot == EOT_BEFORE;
  int after = has_eot && p->ends && job->options->eot == EOT_AFTER;
  uint16_t eot = (uint16_t)tokenizer_eot(job->tokenizer);
  Err why;
  p->ids = malloc((p->size + 1) * sizeof *p->ids);
  if (!p->ids) return fail(err, "no memory for a document of %zu bytes", p->size);
  if (before) p->ids[0] = eot;
  if (tokenizer_encode(job->tokenizer, p->text, p->size, p->ids + before, &p->count, &why))
    return fail(err, "%s: %s", job->path, why.text);
  p->count += (size_t)before;
  if (after) p->ids[p->count++] = eot;
  return 0;
}

/* Many pieces: one thread each. One: all threads on its parts, inside tokenizer_encode. */
static int write_batch(Job *job, Piece *p, int count, Err *err) {
  int status = 0;
#pragma omp parallel for schedule(dynamic) if (count > 1)
  for (int i = 0; i < count; i++) {
    Err mine;
    if (encode(job, &p[i], &mine)) {
#pragma omp critical
      {
        *err = mine;
        status = -1;
      }
    }
  }
  for (int i = 0; i < count; i++) {
    if (status == 0) status = shards_put(&job->shards, p[i].ids, (int64_t)p[i].count, err);
    job->documents += p[i].ends;
    job->bytes += (int64_t)p[i].size;
    free(p[i].ids);
  }
  show_progress(job, 0);
  return status;
}

/* Where the document that continues at `at` ends, and in *next where the one after it begins. When
   the end is not in the window, *next is 0, and all up to the result is the document's: without
   what may become a separator, or the end of its line. */
static size_t document_end(const Window *w, size_t at, const char *separator, size_t *next) {
  size_t length = strlen(separator);
  size_t end = separator_find(separator, w->text, w->size, at, w->before, next);
  if (w->ended || (end < w->size && end + length + 2 <= w->size)) return end;
  *next = 0;
  if (end < w->size || length == 0) return end;
  return w->size - at < length ? at : w->size - length + 1;
}

/* A late place between `from` and `to` to cut a document without changing its ids; `from` if there
   is none. */
static size_t late_cut(const char *text, size_t from, size_t to) {
  for (size_t size = to - from, back = 64;; back *= 2) {
    size_t near = size > back ? size - back : 0, cut = tokenizer_cut(text + from, size, near);
    if (cut < size) return from + cut;
    if (near == 0) return from;
  }
}

/* Encodes the documents in the window, the last as far as it can be cut, and drops their text. */
static int write_window(Job *job, Window *w, Err *err) {
  Piece batch[BATCH];
  size_t at = 0, next;
  int count = 0, status = 0;
  do {
    size_t stop = document_end(w, at, job->options->separator, &next);
    job->separators += next > 0 && stop < w->size;
    if (next == 0) stop = late_cut(w->text, at, stop);
    if (stop > at) batch[count++] = (Piece){w->text + at, stop - at, !w->inside, next > 0, NULL, 0};
    w->inside = next == 0 && (w->inside || stop > at);
    at = next > 0 ? next : stop;
    int last = next == 0 || at == w->size;
    if (count < BATCH && !last) continue;
    status = write_batch(job, batch, count, err);
    count = 0;
  } while (status == 0 && next > 0 && at < w->size);
  if (at > 0) w->before = w->text[at - 1];
  w->size -= at;
  memmove(w->text, w->text + at, w->size);
  return status;
}

/* Reads more text. Enlarges the window if it is full of text that cannot be cut. */
static int fill_window(Window *w, size_t buffer, const char *separator, Err *err) {
  size_t got;
  if (w->size == w->room) {
    size_t room = w->room > 0 ? 2 * w->room : buffer;
    char *more = realloc(w->text, room);
    if (!more) return fail(err, "%s: no memory for %zu bytes of text", w->reader.path, room);
    w->text = more;
    w->room = room;
  }
  if (reader_get(&w->reader, w->text + w->size, w->room - w->size, &got, err)) return -1;
  if (!w->begun && token_file_check_text(w->reader.path, w->text, got, err)) return -1;
  if (memchr(w->text + w->size, 0, got))
    return fail(err, "%s: holds zero bytes, so it is not text", w->reader.path);
  w->begun = 1;
  w->spells_eot |= separator_missing(separator, w->text, w->size + got);
  w->ended = got < w->room - w->size;
  w->size += got;
  return 0;
}

static void remark(const char *format, const char *about) {
  Err sentence;
  fail(&sentence, format, about);
  program_error("tokenize: remark", sentence.text);
}

static int write_file(Job *job, const char *path, Err *err) {
  Window w = {.before = '\n'};
  job->path = path;
  if (path_of_tokens(path))
    return fail(err, "%s: its name is that of a token file; give text files", path);
  int status = reader_open(&w.reader, path, err), empty = 1;
  while (status == 0 && !w.ended) {
    status = fill_window(&w, (size_t)job->options->buffer, job->options->separator, err);
    empty &= w.size == 0;
    if (status == 0) status = write_window(job, &w, err);
  }
  if (status == 0 && empty) status = fail(err, "%s: the file is empty", path);
  if (status == 0 && w.spells_eot) remark(SEPARATOR_REMARK("%s"), path);
  reader_close(&w.reader);
  free(w.text);
  return status;
}

/* Makes the vocabulary of all texts, unless a meta.pkl is beside the output. */
static int open_characters(Job *job, Err *err) {
  const char *to = job->options->to, *slash = strrchr(to, '/');
  Characters c = {0};
  snprintf(job->meta, sizeof job->meta, "%.*s" META_FILE, slash ? (int)(slash - to) + 1 : 0, to);
  if (file_exists(job->meta)) {
    int status = meta_read(&job->tokenizer, job->meta, err);
    *job->meta = 0;
    return status;
  }
  int status = tokens_characters(&c, job->options->from, err);
  if (status == 0) status = characters_tokenizer(&job->tokenizer, &c, err);
  characters_free(&c);
  return status;
}

static int open_tokenizer(Job *job, Err *err) {
  const TokenizeOptions *o = job->options;
  if (o->tokenizer == KIND_CHAR) return open_characters(job, err);
  int64_t vocab = o->tokenizer == KIND_BYTES ? TOKENIZER_VOCAB_MIN : o->vocab;
  return tokenizer_open(&job->tokenizer, vocab, err);
}

static int write_meta(const Job *job, Err *err) {
  size_t size;
  if (!*job->meta) return 0;
  char *text = meta_text(job->tokenizer, &size);
  int status = text ? file_write(job->meta, text, size, err) : fail(err, "no memory");
  free(text);
  return status;
}

static int tokenize(const TokenizeOptions *o, Err *err) {
  Job job = {.options = o, .started = clock_seconds()};
  PathList list = {0};
  threads_start((int)o->threads);
  int status = paths_list(&list, o->from, err) ||
               shards_open(&job.shards, (ShardFormat)o->format, o->to, o->shard_tokens, &list,
                           o->overwrite, err) ||
               open_tokenizer(&job, err);
  for (int64_t i = 0; i < list.count && status == 0; i++)
    status = write_file(&job, list.path[i], err);
  status = shards_close(&job.shards, status, err);
  if (status == 0) status = write_meta(&job, err);
  if (status == 0) {
    show_progress(&job, 1);
    if (*o->separator && !job.separators)
      remark("--separator %s: does not occur in the texts", o->separator);
    printf("%lld tokens in %lld file%s", (long long)job.shards.tokens, (long long)job.shards.files,
           job.shards.files == 1 ? "" : "s");
    if (job.shards.removed)
      printf("; removed %lld of an earlier run", (long long)job.shards.removed);
    if (*job.meta) printf("; %s: %d characters", job.meta, tokenizer_vocab(job.tokenizer));
    printf("\n");
  }
  tokenizer_close(job.tokenizer);
  paths_free(&list);
  return status;
}

static void help(FILE *out) {
  fprintf(out, "Writes texts as files of tokens, which ./train reads directly.\n\n"
               "  tools/tokenize --from \"texts/*.txt\" --to data/books_train\n\n");
  options_help(out, &(OptionSet){.title = "options", .rows = tokenize_options});
}

static int run(int argc, char **argv, Err *err) {
  TokenizeOptions options;
  const OptionSet sets[] = {
      {.title = "options", .rows = tokenize_options, .values = &options}, {0}};
  int status = program_options(sets, argc, argv, err);
  if (status == 0 && (!*options.from || !*options.to))
    status = fail(err, "--from and --to are required; --help lists the options");
  if (status) return EXIT_USAGE;
  return tokenize(&options, err) ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "tokenize", .help = help, .run = run}, argc, argv);
}
