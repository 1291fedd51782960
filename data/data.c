#include "data/data.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/random.h"
#include "data/embedded.h"
#include "data/separator.h"
#include "data/tokens.h"

#define EMBEDDED "austen" /* the value of --data and --val */

#define FIELD(member) offsetof(DataOptions, member)
const Option data_options[] = {
    {.name = "data",
     .help = "Text or token files to train on: a file, a list a,b,c, a \"pattern*\" or a folder "
             "(austen: the built-in novels)",
     .type = OPTION_WORD, .at = FIELD(data), .fallback = EMBEDDED,
     .effect = EFFECT_TASK, .resume = RESUME_MAY_CHANGE},
    {.name = "val",
     .help = "Validation data, in the form of --data (empty: the last novel of austen, or the end "
             "of --data)",
     .type = OPTION_WORD, .at = FIELD(val), .fallback = "",
     .effect = EFFECT_TASK, .resume = RESUME_MAY_CHANGE},
    {.name = "separator",
     .help = "Text that separates documents in a text file, such as <|endoftext|>; it becomes the "
             "end-of-text token",
     .type = OPTION_WORD, .at = FIELD(separator), .fallback = "", .effect = EFFECT_TASK},
    {.name = "val-fraction", .help = "Fraction at the end of --data that is used for validation",
     .type = OPTION_REAL, .at = FIELD(val_fraction), .fallback = "0.1", .max = 0.9,
     .effect = EFFECT_TASK, .needs = "val=, data!=" EMBEDDED},
    {.name = "order",
     .help = "Order of the training windows (shuffle: each window of T tokens once per epoch; "
             "sequential: as llm.c)",
     .type = OPTION_CHOICE, .at = FIELD(order), .fallback = "shuffle",
     .choices = DATA_ORDERS(CHOICE_WORD), .effect = EFFECT_TASK},
    {.name = "data-seed", .help = "Seed of the shuffled order",
     .type = OPTION_INT, .at = FIELD(data_seed), .fallback = "1", .max = 0x1p53,
     .effect = EFFECT_SEED, .needs = "order=shuffle"},
    {0},
};

struct Data {
  DataOptions options;
  int vocab;
  Tokenizer *tokenizer; /* or NULL */
  TextRules rules;      /* when there is a tokenizer */
  Tokens train, val;
  int64_t left_out; /* training segments with fewer than `least` tokens, T+1 */
  int least;
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
    status = tokens_from_text(t, count == 1 ? titles[first] : EMBEDDED, novels + first,
                              sizes + first, count, rules, err);
  free(text);
  return status;
}

/* ---- Opening ---- */

static int open_tokenizer(Data *d, Err *err) {
  if (d->vocab < TOKENIZER_VOCAB_MIN || d->vocab > TOKENIZER_VOCAB_MAX) return 0;
  if (tokenizer_open(&d->tokenizer, d->vocab, err)) return -1;
  d->rules = (TextRules){d->tokenizer, d->options.separator};
  return 0;
}

static const TextRules *text_rules(const Data *d) { return d->tokenizer ? &d->rules : NULL; }

static int check_separator(const Data *d, Err *err) {
  if (!*d->options.separator || d->train.texts || d->val.texts) return 0;
  return fail(err, "--separator %s: separates documents of texts, and %s holds token ids already",
              d->options.separator, d->options.data);
}

/* How many tokens from the end are kept for validation: the fraction asked for, changed so far that
   a segment that is cut has at least one window on either side. Every segment has T+1 tokens, all
   together have 2 (T+1). */
static int64_t tail_size(const Tokens *t, double fraction, int T) {
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

static int open_validation(Data *d, int T, Err *err) {
  const char *val = d->options.val;
  if (val[0] ? strcmp(val, EMBEDDED) == 0 : strcmp(d->options.data, EMBEDDED) == 0)
    return open_novels(&d->val, NOVELS - 1, 1, text_rules(d), err);
  if (val[0]) return tokens_open(&d->val, val, text_rules(d), d->vocab, err);
  if (d->train.total < 2 * (T + (int64_t)1))
    return fail(err,
                "%s: %lld tokens, 2 (T+1) = %lld are needed to keep a window for validation; use a "
                "smaller --context, a file for --val or a larger file",
                d->options.data, (long long)d->train.total, 2 * (T + 1LL));
  return tokens_split(&d->train, tail_size(&d->train, d->options.val_fraction, T), &d->val, err);
}

static int open_training(Data *d, Err *err) {
  if (strcmp(d->options.data, EMBEDDED) == 0)
    return open_novels(&d->train, 0, NOVELS - 1, text_rules(d), err);
  return tokens_open(&d->train, d->options.data, text_rules(d), d->vocab, err);
}

static int too_short(const char *name, int64_t count, int T, Err *err) {
  if (count < 2)
    return fail(err, "%s: %lld tokens, at least T+1 = %d are needed; use a larger file", name,
                (long long)count, T + 1);
  int64_t context = 1;
  while (2 * context < count) context *= 2;
  return fail(err,
              "%s: %lld tokens, at least T+1 = %d are needed; use --context %lld or a larger file",
              name, (long long)count, T + 1, (long long)context);
}

static int check_training(const Data *d, int T, Err *err) {
  for (int i = 0; i < d->train.count; i++) {
    const Segment *s = &d->train.segments[i];
    if (s->count <= T) return too_short(s->name, s->count, T, err);
  }
  return 0;
}

/* A shard without a window, such as the short last one of a set, does not make the set useless. */
static int leave_out_short(Data *d, int T, Err *err) {
  const Segment *longest = d->train.segments;
  for (int64_t i = 1; i < d->train.count; i++)
    if (d->train.segments[i].count > longest->count) longest = &d->train.segments[i];
  if (longest->count <= T) return too_short(longest->name, longest->count, T, err);
  d->least = T + 1;
  d->left_out = tokens_leave_out(&d->train, d->least);
  return 0;
}

static int check_validation(const Data *d, int T, Err *err) {
  if (data_val_count(d, T) > 0) return 0;
  int64_t longest = 0;
  for (int i = 0; i < d->val.count; i++)
    if (d->val.segments[i].count > longest) longest = d->val.segments[i].count;
  return too_short(d->options.val[0] ? d->options.val : d->options.data, longest, T, err);
}

int data_open(Data **out, const DataOptions *options, int vocab, int T, Err *err) {
  assert(T >= 1);
  *out = NULL;
  if (vocab < 1 || vocab > 65536)
    return fail(err, "--vocab %d: must be from 1 to 65536, as token ids have 16 bits", vocab);
  Data *d = calloc(1, sizeof *d);
  if (!d) return fail(err, "no memory for the data");
  d->options = *options;
  d->vocab = vocab;
  if (open_tokenizer(d, err) || open_training(d, err) || leave_out_short(d, T, err) ||
      open_validation(d, T, err) || check_validation(d, T, err) || check_separator(d, err)) {
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
  free(d);
}

int data_check(const Data *d, int B, int T, Err *err) {
  if (d->options.order == ORDER_SHUFFLE) return check_training(d, T, err);
  int64_t need = (int64_t)B * T + 1;
  for (int i = 0; i < d->train.count; i++) {
    const Segment *s = &d->train.segments[i];
    if (s->count < need)
      return fail(err,
                  "%s: %lld tokens, a step of --order sequential needs B*T+1 = %lld; use fewer "
                  "tokens per step, --order shuffle or a larger file",
                  s->name, (long long)s->count, (long long)need);
  }
  return 0;
}

/* ---- Training rows ---- */

typedef struct {
  int segment;
  int64_t at;
} Place;

/* Windows of an epoch in a segment of `count` >= T+1 tokens. One window fewer than would fit makes
   room for an offset of up to T-1 and more; a segment with one window has room for less. */
static int64_t window_count(int64_t count, int T) {
  int64_t windows = (count - T) / T;
  return windows > 1 ? windows : 1;
}

int64_t data_epoch_rows(const Data *d, int T) {
  int64_t rows = 0;
  for (int i = 0; i < d->train.count; i++) rows += window_count(d->train.segments[i].count, T);
  return rows;
}

/* The finalizer of MurmurHash3, keyed. */
static uint32_t scramble(uint32_t x, uint32_t key) {
  x = (x ^ key) * 0x85EBCA6Bu;
  x = (x ^ x >> 13) * 0xC2B2AE35u;
  return x ^ x >> 16;
}

/* Where a random permutation of 0..n-1 sends i, without a table: a Feistel network is a
   permutation of all numbers of 2 h bits, and following it until it comes back below n (fewer than
   4 rounds of it on average) makes it one of 0..n-1. */
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

static Place shuffled_place(const Data *d, int64_t sample, int T) {
  uint64_t seed = (uint64_t)d->options.data_seed;
  int64_t rows = data_epoch_rows(d, T), here;
  uint32_t epoch = (uint32_t)(sample / rows);
  int64_t window = permute(seed, epoch, sample % rows, rows);
  int s = 0;
  while (window >= (here = window_count(d->train.segments[s].count, T))) {
    window -= here;
    s++;
  }
  /* The windows of a segment start at a new offset in every epoch, so that no token is always the
     first of its window. */
  Random r = random_stream(seed, RANDOM_DATA, epoch, 1 + (uint32_t)s);
  int64_t spare = d->train.segments[s].count - 1 - here * T;
  return (Place){s, random_below(&r, (uint32_t)spare + 1) + window * T};
}

static int64_t steps_in(const Segment *s, int B, int T) {
  return (s->count - 1) / ((int64_t)B * T);
}

static Place sequential_place(const Data *d, int64_t step, int B, int row, int T) {
  int64_t steps = 0;
  int s = 0;
  for (int i = 0; i < d->train.count; i++) steps += steps_in(&d->train.segments[i], B, T);
  step %= steps;
  while (step >= steps_in(&d->train.segments[s], B, T)) {
    step -= steps_in(&d->train.segments[s], B, T);
    s++;
  }
  return (Place){s, (step * B + row) * T};
}

/* x, y: (T) the window and the same one token later. */
static int copy_window(const Tokens *t, Place p, int T, int32_t *x, int32_t *y, Err *err) {
  if (tokens_copy(t, p.segment, p.at, T, x, err)) return -1;
  return tokens_copy(t, p.segment, p.at + 1, T, y, err);
}

int data_train_rows(const Data *d, int64_t step, int B, int first, int count, int T, int32_t *x,
                    int32_t *y, Err *err) {
  assert(step >= 0 && 0 <= first && count >= 0 && first + count <= B);
  if (data_check(d, B, T, err)) return -1;
  for (int i = 0; i < count; i++) {
    Place p = d->options.order == ORDER_SHUFFLE
                  ? shuffled_place(d, step * B + first + i, T)
                  : sequential_place(d, step, B, first + i, T);
    if (copy_window(&d->train, p, T, x + (int64_t)i * T, y + (int64_t)i * T, err)) return -1;
  }
  return 0;
}

/* ---- Validation rows ---- */

int64_t data_val_count(const Data *d, int T) {
  int64_t rows = 0;
  for (int i = 0; i < d->val.count; i++) rows += (d->val.segments[i].count - 1) / T;
  return rows;
}

int data_val_rows(const Data *d, int64_t first, int count, int T, int32_t *x, int32_t *y,
                  Err *err) {
  assert(first >= 0 && count >= 0 && first + count <= data_val_count(d, T));
  Place p = {0, first * T};
  for (int i = 0; i < count; i++) {
    while (p.at + T >= d->val.segments[p.segment].count) { /* no whole window is left in it */
      p.at -= (d->val.segments[p.segment].count - 1) / T * T;
      p.segment++;
    }
    if (copy_window(&d->val, p, T, x + (int64_t)i * T, y + (int64_t)i * T, err)) return -1;
    p.at += T;
  }
  return 0;
}

/* ---- About the data ---- */

int64_t data_train_tokens(const Data *d) { return d->train.total; }

int64_t data_val_tokens(const Data *d) { return d->val.total; }

double data_val_bytes_per_token(const Data *d) {
  const int64_t most = 1 << 26;
  int64_t tokens = 0, bytes = 0;
  if (!d->tokenizer) return 0;
  for (int i = 0; i < d->val.count; i++) {
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

void data_describe(const Data *d, char *line, size_t size) {
  const DataOptions *o = &d->options;
  char val[OPTION_TEXT + 64], order[64] = "sequential", short_ones[96] = "";
  if (o->val[0])
    snprintf(val, sizeof val, "%s", o->val);
  else if (strcmp(o->data, EMBEDDED) == 0)
    snprintf(val, sizeof val, "%s", titles[NOVELS - 1]);
  else
    snprintf(val, sizeof val, "its tail");
  if (o->order == ORDER_SHUFFLE)
    snprintf(order, sizeof order, "shuffle, seed %lld", (long long)o->data_seed);
  if (d->left_out)
    snprintf(short_ones, sizeof short_ones, " (%lld file%s of fewer than T+1 = %d left out)",
             (long long)d->left_out, d->left_out == 1 ? "" : "s", d->least);
  snprintf(line, size,
           "%s: %lld training tokens%s; %s: %lld validation tokens; vocabulary %d; order %s",
           o->data, (long long)d->train.total, short_ones, val, (long long)d->val.total, d->vocab,
           order);
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
