#include "data/data.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/random.h"
#include "core/terminal.h"
#include "data/embedded.h"
#include "data/meta.h"
#include "data/separator.h"
#include "data/vocabulary.h"

/* The embedded texts, as values of --data and --val. */
#define AUSTEN "austen"
#define SHAKESPEARE "shakespeare"

#define FIELD(member) offsetof(DataOptions, member)
const Option data_options[] = {
    {.name = "data",
     .help = "Text or token files to train on: a file, a list a,b,c, a \"pattern*\" or a folder "
             "(built in: austen, six novels; shakespeare, nanoGPT's plays)",
     .type = OPTION_WORD, .at = FIELD(data), .fallback = AUSTEN,
     .effect = EFFECT_TASK, .resume = RESUME_MAY_CHANGE},
    {.name = "val",
     .help = "Validation data, in the form of --data (empty: the last novel of austen, val.bin of "
             "a folder, or the end of --data)",
     .type = OPTION_WORD, .at = FIELD(val), .fallback = "",
     .effect = EFFECT_TASK, .resume = RESUME_MAY_CHANGE},
    {.name = "tokenizer",
     .help = "What a token is: a character of --data, a byte, or a piece of GPT-2's vocabulary "
             "(auto: char for shakespeare and beside a " META_FILE ", else gpt2)",
     .type = OPTION_CHOICE, .at = FIELD(tokenizer), .fallback = "auto",
     .choices = TOKENIZERS(CHOICE_WORD), .effect = EFFECT_TASK},
    {.name = "separator",
     .help = "Text that separates documents in a text file, such as <|endoftext|>; it becomes the "
             "end-of-text token",
     .type = OPTION_WORD, .at = FIELD(separator), .fallback = "", .effect = EFFECT_TASK,
     .needs = "tokenizer!=char"},
    {.name = "val-fraction", .help = "Fraction at the end of --data that is used for validation",
     .type = OPTION_REAL, .at = FIELD(val_fraction), .fallback = "0.1", .max = 0.9,
     .effect = EFFECT_TASK, .needs = "val=, data!=" AUSTEN "|" SHAKESPEARE},
    {.name = "order",
     .help = "Order of the training windows (shuffle: each window of T tokens once per epoch; "
             "sequential: as llm.c; random: anywhere, as nanoGPT)",
     .type = OPTION_CHOICE, .at = FIELD(order), .fallback = "shuffle",
     .choices = DATA_ORDERS(CHOICE_WORD), .effect = EFFECT_TASK},
    {.name = "data-seed", .help = "Seed of the shuffled order",
     .type = OPTION_INT, .at = FIELD(data_seed), .fallback = "1", .max = 0x1p53,
     .effect = EFFECT_SEED, .needs = "order=shuffle|random"},
    {0},
};

struct Data {
  DataOptions options;
  int64_t vocab, B, T;
  char files[2][OPTION_TEXT + 16]; /* the training and validation data, if not embedded */
  Tokenizer *tokenizer; /* or NULL */
  TextRules rules;      /* when there is a tokenizer */
  Tokens train, val;
  int64_t left_out; /* training segments with fewer than T+1 tokens */
  int64_t *parts;   /* (train.count) of each segment: windows of an epoch, steps, or starts */
  int64_t all_parts, val_rows; /* in all of them; in the validation set */
  int32_t *x;       /* (2, room, T) the rows of the last batch, and the tokens after them */
  int64_t room;
};

/* ---- The embedded novels ---- */

enum { NOVELS = 6 };

/* The line each novel begins with. The last one is kept for validation. */
static const char *const titles[NOVELS] = {
    "SENSE AND SENSIBILITY", "PRIDE AND PREJUDICE", "MANSFIELD PARK",
    "EMMA",                  "NORTHANGER ABBEY",    "Persuasion",
};

/* The first line at or after `text` that is exactly `title`, or NULL. */
static const char *find_line(const char *text, const char *title) {
  size_t length = strlen(title);
  while (strncmp(text, title, length) != 0 || text[length] != '\n') {
    text = strchr(text, '\n');
    if (!text) return NULL;
    text++;
  }
  return text;
}

static int find_novels(const char *text, size_t size, const char *novels[NOVELS],
                       size_t sizes[NOVELS], Err *err) {
  for (int i = 0; i < NOVELS; i++) {
    novels[i] = find_line(text, titles[i]);
    if (!novels[i] || find_line(novels[i] + 1, titles[i]) || (i > 0 && novels[i] < novels[i - 1]))
      return fail(err, "the embedded text is not data/austen.txt.gz: no novel begins with \"%s\"",
                  titles[i]);
  }
  for (int i = 0; i < NOVELS; i++)
    sizes[i] = (size_t)((i + 1 < NOVELS ? novels[i + 1] : text + size) - novels[i]);
  return 0;
}

static int open_novels(Tokens *t, int first, int count, const TextRules *rules, Err *err) {
  const char *novels[NOVELS];
  size_t size, sizes[NOVELS];
  char *text;
  if (file_inflate("the embedded text", embedded_austen, embedded_austen_size, &text, &size, err))
    return -1;
  int status = find_novels(text, size, novels, sizes, err);
  if (status == 0)
    status = tokens_from_text(t, count == 1 ? titles[first] : AUSTEN, novels + first,
                              sizes + first, count, rules, err);
  free(text);
  return status;
}

/* ---- The embedded plays: ASCII, so that bytes are characters ---- */

/* As in nanoGPT: the first 90 % are for training, the rest is for validation. */
static int open_plays(Tokens *t, int validation, const TextRules *rules, Err *err) {
  size_t size;
  char *text;
  if (file_inflate("the embedded text", embedded_shakespeare, embedded_shakespeare_size, &text,
                   &size, err))
    return -1;
  size_t split = size * 9 / 10, part = validation ? size - split : split;
  const char *begin = validation ? text + split : text;
  int status = tokens_from_text(t, SHAKESPEARE, &begin, &part, 1, rules, err);
  free(text);
  return status;
}

/* ---- The tokenizer ---- */

void data_choose_tokenizer(DataOptions *o) {
  char path[OPTION_TEXT + 16];
  if (o->tokenizer != TOKENIZER_AUTO) return;
  int characters = strcmp(o->data, SHAKESPEARE) == 0 || meta_find(o->data, path, sizeof path);
  o->tokenizer = characters ? TOKENIZER_CHAR : TOKENIZER_GPT2;
}

/* Adds the characters of --data or --val. */
static int add_characters(Characters *c, const char *name, const char *files, Err *err) {
  int austen = strcmp(name, AUSTEN) == 0;
  size_t size;
  char *text;
  if (!austen && strcmp(name, SHAKESPEARE) != 0) return tokens_characters(c, files, err);
  if (file_inflate("the embedded text", austen ? embedded_austen : embedded_shakespeare,
                   austen ? embedded_austen_size : embedded_shakespeare_size, &text, &size, err))
    return -1;
  int status = characters_add(c, name, text, size, err);
  free(text);
  return status;
}

/* Those of all data, as in nanoGPT, also of the part for validation. */
static int characters_of_data(Data *d, Err *err) {
  Characters c = {0};
  int status = add_characters(&c, d->options.data, d->files[0], err);
  if (status == 0 && *d->options.val)
    status = add_characters(&c, d->options.val, d->files[1], err);
  if (status == 0) status = characters_tokenizer(&d->tokenizer, &c, err);
  characters_free(&c);
  return status;
}

static int same_characters(const Tokenizer *a, const Tokenizer *b) {
  int64_t n = tokenizer_vocab(a);
  return n == tokenizer_vocab(b) && memcmp(tokenizer_characters(a), tokenizer_characters(b),
                                           (size_t)n * sizeof(uint32_t)) == 0;
}

/* The characters of the weights to start from, else of meta.pkl, else of the texts. */
static int open_characters(Data *d, Err *err) {
  char path[OPTION_TEXT + 16];
  const char *from = d->options.vocabulary;
  Tokenizer *meta = NULL;
  int status = *from ? vocabulary_open(&d->tokenizer, from, d->vocab, err) : 0;
  if (status == 0 && *from && !(d->tokenizer && tokenizer_characters(d->tokenizer)))
    status = fail(err, "--tokenizer char: %s does not list characters; use --tokenizer gpt2", from);
  if (status == 0 && meta_find(d->options.data, path, sizeof path))
    status = meta_read(&meta, path, err);
  if (status == 0 && meta && d->tokenizer && !same_characters(meta, d->tokenizer))
    status = fail(err, "%s: lists other characters than %s; their ids differ", path, from);
  if (status == 0 && meta && !d->tokenizer) {
    d->tokenizer = meta;
    return 0;
  }
  tokenizer_close(meta);
  return status || d->tokenizer ? status : characters_of_data(d, err);
}

static int open_tokenizer(Data *d, Err *err) {
  int kind = d->options.tokenizer;
  if (kind == TOKENIZER_BYTES) d->vocab = TOKENIZER_VOCAB_MIN;
  if (kind == TOKENIZER_CHAR && open_characters(d, err)) return -1;
  if (kind == TOKENIZER_CHAR && *d->options.separator)
    return fail(err, "--separator %s: characters have no end-of-text token; use --tokenizer gpt2",
                d->options.separator);
  if (kind != TOKENIZER_CHAR && d->vocab >= TOKENIZER_VOCAB_MIN &&
      d->vocab <= TOKENIZER_VOCAB_MAX && tokenizer_open(&d->tokenizer, d->vocab, err))
    return -1;
  if (d->tokenizer) d->vocab = tokenizer_vocab(d->tokenizer);
  d->rules = (TextRules){d->tokenizer, d->options.separator};
  return 0;
}

/* ---- Opening ---- */

/* The files of both sets; a folder of nanoGPT's has one for each. */
static void find_files(Data *d) {
  const char *data = d->options.data;
  char train[sizeof d->files[0]], val[sizeof d->files[0]];
  snprintf(d->files[0], sizeof d->files[0], "%s", data);
  snprintf(d->files[1], sizeof d->files[1], "%s", d->options.val);
  int length = (int)strlen(data);
  while (length > 1 && data[length - 1] == '/') length--;
  snprintf(train, sizeof train, "%.*s/train.bin", length, data);
  snprintf(val, sizeof val, "%.*s/val.bin", length, data);
  if (!folder_exists(data) || !file_exists(train) || !file_exists(val)) return;
  strcpy(d->files[0], train);
  if (!*d->options.val) strcpy(d->files[1], val);
}

static const TextRules *text_rules(const Data *d) { return d->tokenizer ? &d->rules : NULL; }

static int check_separator(const Data *d, Err *err) {
  if (!*d->options.separator || d->train.texts || d->val.texts) return 0;
  return fail(err, "--separator %s: separates documents of texts, and %s holds token ids already",
              d->options.separator, d->options.data);
}

/* How many tokens at the end are for validation: the requested fraction, adjusted so that both
   parts of a split segment have at least one window. Every segment has at least T+1 tokens, and all
   together at least 2 (T+1). */
static int64_t tail_size(const Tokens *t, double fraction, int64_t T) {
  int64_t want = (int64_t)ceil(fraction * (double)t->total), tail = 0;
  for (int64_t i = t->count - 1; i >= 0; i--) {
    int64_t count = t->segments[i].count, piece = want - tail;
    if (piece < T + 1) piece = T + 1;
    if (count - piece >= T + 1) return tail + piece;
    if (i == 0) break;
    tail += count;
    if (tail >= want) return tail;
  }
  return t->total - (T + 1);
}

static int open_validation(Data *d, Err *err) {
  const char *val = d->options.val[0] ? d->options.val : d->options.data;
  int64_t need = 2 * (d->T + 1);
  if (strcmp(val, AUSTEN) == 0) return open_novels(&d->val, NOVELS - 1, 1, text_rules(d), err);
  if (strcmp(val, SHAKESPEARE) == 0) return open_plays(&d->val, 1, text_rules(d), err);
  if (*d->files[1]) return tokens_open(&d->val, d->files[1], text_rules(d), d->vocab, err);
  if (d->train.total < need)
    return fail(err,
                "%s: %lld tokens, 2 (T+1) = %lld are needed to keep a window for validation; use a "
                "smaller --context, a file for --val or a larger file",
                d->options.data, (long long)d->train.total, (long long)need);
  return tokens_split(&d->train, tail_size(&d->train, d->options.val_fraction, d->T), &d->val, err);
}

static int open_training(Data *d, Err *err) {
  if (strcmp(d->options.data, AUSTEN) == 0)
    return open_novels(&d->train, 0, NOVELS - 1, text_rules(d), err);
  if (strcmp(d->options.data, SHAKESPEARE) == 0)
    return open_plays(&d->train, 0, text_rules(d), err);
  return tokens_open(&d->train, d->files[0], text_rules(d), d->vocab, err);
}

static int too_short(const char *name, int64_t count, int64_t T, Err *err) {
  if (count < 2)
    return fail(err, "%s: %lld tokens, at least T+1 = %lld are needed; use a larger file", name,
                (long long)count, (long long)T + 1);
  int64_t context = 1;
  while (2 * context < count) context *= 2;
  return fail(err,
              "%s: %lld tokens, at least T+1 = %lld are needed; use --context %lld or a larger "
              "file",
              name, (long long)count, (long long)T + 1, (long long)context);
}

static const Segment *longest_segment(const Tokens *t) {
  const Segment *longest = t->segments;
  for (int64_t i = 1; i < t->count; i++)
    if (t->segments[i].count > longest->count) longest = &t->segments[i];
  return longest;
}

/* Ignores shards without a window, such as a short last one. */
static int leave_out_short(Data *d, Err *err) {
  const Segment *longest = longest_segment(&d->train);
  if (longest->count <= d->T) return too_short(longest->name, longest->count, d->T, err);
  d->left_out = tokens_leave_out(&d->train, d->T + 1);
  return 0;
}

static int count_validation(Data *d, Err *err) {
  for (int64_t i = 0; i < d->val.count; i++)
    d->val_rows += (d->val.segments[i].count - 1) / d->T;
  return d->val_rows > 0 ? 0 : too_short(d->options.val[0] ? d->options.val : d->options.data,
                                         longest_segment(&d->val)->count, d->T, err);
}

/* Windows per epoch in a segment of `count` >= T+1 tokens: one fewer than fit, so that there is
   room for an offset of up to T-1. A segment with one window has less room. */
static int64_t window_count(int64_t count, int64_t T) {
  int64_t windows = (count - T) / T;
  return windows > 1 ? windows : 1;
}

static int count_parts(Data *d, Err *err) {
  int64_t step = d->B * d->T;
  d->parts = malloc((size_t)d->train.count * sizeof *d->parts);
  if (!d->parts) return fail(err, "no memory for a list of %lld files", (long long)d->train.count);
  for (int64_t i = 0; i < d->train.count; i++) {
    const Segment *s = &d->train.segments[i];
    if (d->options.order == ORDER_SEQUENTIAL && s->count < step + 1)
      return fail(err,
                  "%s: %lld tokens, a step of --order sequential needs B*T+1 = %lld; use fewer "
                  "tokens per step, --order shuffle or a larger file",
                  s->name, (long long)s->count, (long long)step + 1);
    d->parts[i] = d->options.order == ORDER_SHUFFLE      ? window_count(s->count, d->T)
                  : d->options.order == ORDER_SEQUENTIAL ? (s->count - 1) / step
                                                         : s->count - d->T;
    d->all_parts += d->parts[i];
  }
  return 0;
}

static int open_sets(Data *d, Err *err) {
  return open_tokenizer(d, err) || open_training(d, err) || leave_out_short(d, err) ||
         open_validation(d, err) || count_validation(d, err) || count_parts(d, err) ||
         check_separator(d, err);
}

int data_open(Data **out, const DataOptions *options, int64_t vocab, int64_t B, int64_t T,
              Err *err) {
  assert(B >= 1 && T >= 1);
  *out = NULL;
  if (vocab < 1 || vocab > TOKENS_VOCAB_MAX)
    return fail(err, "--vocab %lld: must be from 1 to %d", (long long)vocab, TOKENS_VOCAB_MAX);
  Data *d = calloc(1, sizeof *d);
  if (!d) return fail(err, "no memory for the data");
  d->options = *options;
  d->vocab = vocab;
  d->B = B;
  d->T = T;
  data_choose_tokenizer(&d->options);
  find_files(d);
  if (open_sets(d, err)) {
    data_close(d);
    return -1;
  }
  *out = d;
  return 0;
}

void data_close(Data *d) {
  if (!d) return;
  tokens_close(&d->val);
  tokens_close(&d->train);
  tokenizer_close(d->tokenizer);
  free(d->parts);
  free(d->x);
  free(d);
}

int64_t data_epoch_rows(const Data *d) {
  switch (d->options.order) {
    case ORDER_SHUFFLE: return d->all_parts;
    case ORDER_SEQUENTIAL: return d->all_parts * d->B;
    default: return d->all_parts / d->T > 0 ? d->all_parts / d->T : 1;
  }
}

int64_t data_vocab(const Data *d) { return d->vocab; }

/* ---- Training rows ---- */

typedef struct {
  int64_t segment, at;
} Place;

/* The finalizer of MurmurHash3, keyed. */
static uint32_t scramble(uint32_t x, uint32_t key) {
  x = (x ^ key) * 0x85EBCA6Bu;
  x = (x ^ x >> 13) * 0xC2B2AE35u;
  return x ^ x >> 16;
}

/* Element i of a random permutation of 0..n-1, without a table. A Feistel network permutes all
   numbers of 2 h bits; applying it until the result is below n (fewer than 4 times on average)
   gives a permutation of 0..n-1. */
static int64_t permute(uint64_t seed, uint32_t epoch, int64_t i, int64_t n) {
  enum { ROUNDS = 8 };
  uint32_t key[ROUNDS];
  Random r = random_stream(seed, RANDOM_DATA, epoch, 0);
  for (int k = 0; k < ROUNDS; k++) key[k] = random_u32(&r);
  int half = 1;
  while ((n - 1) >> 2 * half) half++;
  uint32_t mask = (uint32_t)((UINT64_C(1) << half) - 1);
  do {
    uint32_t left = (uint32_t)(i >> half), right = (uint32_t)i & mask;
    for (int k = 0; k < ROUNDS; k++) {
      uint32_t next = left ^ (scramble(right, key[k]) & mask);
      left = right;
      right = next;
    }
    i = (int64_t)left << half | right;
  } while (i >= n);
  return i;
}

/* The segment that contains the part; *part becomes its index in the segment. */
static int64_t find_part(const Data *d, int64_t *part) {
  int64_t s = 0;
  while (*part >= d->parts[s]) *part -= d->parts[s++];
  return s;
}

static Place shuffled_place(const Data *d, int64_t sample) {
  uint64_t seed = (uint64_t)d->options.data_seed;
  uint32_t epoch = (uint32_t)(sample / d->all_parts);
  int64_t window = permute(seed, epoch, sample % d->all_parts, d->all_parts);
  int64_t s = find_part(d, &window);
  /* The windows of a segment start at a new offset in every epoch, so that no token is always the
     first of its window. */
  Random r = random_stream(seed, RANDOM_DATA, epoch, 1 + (uint32_t)s);
  int64_t spare = d->train.segments[s].count - 1 - d->parts[s] * d->T;
  return (Place){s, random_below(&r, (uint32_t)spare + 1) + window * d->T};
}

static Place random_place(const Data *d, int64_t sample) {
  Random r = random_stream((uint64_t)d->options.data_seed, RANDOM_DATA, (uint32_t)sample,
                           (uint32_t)(sample >> 32));
  uint64_t number = (uint64_t)random_u32(&r) << 21; /* 53 bits */
  number |= random_u32(&r) >> 11;
  int64_t start = (int64_t)((double)number * 0x1p-53 * (double)d->all_parts);
  int64_t segment = find_part(d, &start);
  return (Place){segment, start};
}

static Place sequential_place(const Data *d, int64_t step, int64_t row) {
  step %= d->all_parts;
  int64_t s = find_part(d, &step);
  return (Place){s, (step * d->B + row) * d->T};
}

/* Allocates a batch of `count` rows. */
static int make_batch(Data *d, int64_t count, Batch *batch, Err *err) {
  if (count > d->room) {
    free(d->x);
    d->room = count;
    d->x = malloc((size_t)(2 * count * d->T) * sizeof *d->x);
    if (!d->x) d->room = 0;
  }
  *batch = (Batch){.x = d->x, .y = d->x + d->room * d->T, .B = count, .T = d->T};
  return d->x ? 0 : fail(err, "no memory for %lld rows of %lld tokens", (long long)count,
                         (long long)d->T);
}

/* Sets row r of the batch to the window at that place, and to the same one token later. */
static int set_row(Data *d, const Tokens *t, Place p, int64_t r, Err *err) {
  int32_t *x = d->x + r * d->T, *y = x + d->room * d->T;
  if (tokens_copy(t, p.segment, p.at, d->T, x, err)) return -1;
  return tokens_copy(t, p.segment, p.at + 1, d->T, y, err);
}

int data_batch(Data *d, int64_t step, int64_t first, int64_t count, Batch *batch, Err *err) {
  assert(step >= 0 && 0 <= first && count >= 1 && first + count <= d->B);
  if (make_batch(d, count, batch, err)) return -1;
  batch->step = step;
  batch->first = first;
  for (int64_t r = 0; r < count; r++) {
    int64_t row = first + r, sample = step * d->B + row;
    Place p = d->options.order == ORDER_SHUFFLE      ? shuffled_place(d, sample)
              : d->options.order == ORDER_SEQUENTIAL ? sequential_place(d, step, row)
                                                     : random_place(d, sample);
    if (set_row(d, &d->train, p, r, err)) return -1;
  }
  return 0;
}

/* ---- Validation rows ---- */

int64_t data_val_rows(const Data *d) { return d->val_rows; }

const Tokens *data_val_tokens(const Data *d) { return &d->val; }

int data_val_batch(Data *d, int64_t first, int64_t count, Batch *batch, Err *err) {
  assert(first >= 0 && count >= 1 && first + count <= d->val_rows);
  if (make_batch(d, count, batch, err)) return -1;
  Place p = {0, first * d->T};
  for (int64_t r = 0; r < count; r++, p.at += d->T) {
    while (p.at + d->T >= d->val.segments[p.segment].count) { /* no complete window is left in it */
      p.at -= (d->val.segments[p.segment].count - 1) / d->T * d->T;
      p.segment++;
    }
    if (set_row(d, &d->val, p, r, err)) return -1;
  }
  return 0;
}

/* ---- About the data ---- */

double data_val_bytes_per_token(const Data *d) {
  const int64_t most = 1 << 26;
  int64_t tokens = 0, bytes = 0;
  if (!d->tokenizer) return 0;
  for (int64_t i = 0; i < d->val.count; i++) {
    const Segment *s = &d->val.segments[i];
    for (int64_t at = 0; at < s->count && tokens < most; at++, tokens++) {
      int length = 0;
      uint64_t id = segment_id(s, at);
      if (id < (uint64_t)d->vocab) tokenizer_bytes(d->tokenizer, (int)id, &length);
      bytes += length;
    }
  }
  return tokens ? (double)bytes / (double)tokens : 0;
}

uint32_t data_fingerprint(const Data *d) {
  return tokens_fingerprint(&d->val, tokens_fingerprint(&d->train, 0));
}

/* The name of the validation data. */
static const char *val_name(const Data *d) {
  if (*d->files[1]) return d->files[1];
  return strcmp(d->options.data, AUSTEN) == 0 ? titles[NOVELS - 1] : "its tail";
}

void data_summary(const Data *d, char *line, size_t size) {
  char train[24], val[24];
  const DataOptions *o = &d->options;
  snprintf(line, size, "%s, %s tokens; validation on %s, %s; vocabulary %lld%s", o->data,
           terminal_count((double)d->train.total, train), val_name(d),
           terminal_count((double)d->val.total, val), (long long)d->vocab,
           o->tokenizer == TOKENIZER_CHAR ? " characters" : "");
}

void data_describe(const Data *d, char *line, size_t size) {
  const DataOptions *o = &d->options;
  char order[64], short_ones[96] = "", width[24] = "";
  word_at(DATA_ORDERS(CHOICE_WORD), o->order, order, sizeof order);
  if (o->order != ORDER_SEQUENTIAL)
    snprintf(order + strlen(order), sizeof order - strlen(order), ", seed %lld",
             (long long)o->data_seed);
  if (d->train.segments[0].width > 2)
    snprintf(width, sizeof width, " (uint%d)", 8 * d->train.segments[0].width);
  if (d->left_out)
    snprintf(short_ones, sizeof short_ones, " (%lld file%s of fewer than T+1 = %lld left out)",
             (long long)d->left_out, d->left_out == 1 ? "" : "s", (long long)d->T + 1);
  snprintf(line, size,
           "%s: %lld training tokens%s%s; %s: %lld validation tokens; vocabulary %lld%s; order %s",
           o->data, (long long)d->train.total, width, short_ones, val_name(d),
           (long long)d->val.total, (long long)d->vocab,
           o->tokenizer == TOKENIZER_CHAR ? " characters" : "", order);
}

void data_remark(const Data *d, char *line, size_t size) {
  const DataOptions *o = &d->options;
  snprintf(line, size, "%s", "");
  if (d->train.spells_eot) snprintf(line, size, SEPARATOR_REMARK("%s"), o->data);
  else if (d->val.spells_eot) snprintf(line, size, SEPARATOR_REMARK("%s"), o->val);
  else if (*o->separator && !d->train.separators && !d->val.separators)
    snprintf(line, size, "--separator %s: does not occur in the texts", o->separator);
}

const Tokenizer *data_tokenizer(const Data *d) { return d->tokenizer; }

int64_t data_bytes(const Data *d) { return tokens_bytes(&d->train) + tokens_bytes(&d->val); }
