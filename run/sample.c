#include "run/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/threads.h"
#include "data/separator.h"
#include "data/unicode.h"
#include "model/decoder.h"

#define FIELD(member) offsetof(SampleOptions, member)
const Option sample_options[] = {
    {.name = "prompt",
     .help = "Text to continue (-: read it from standard input; empty: start a new document)",
     .type = OPTION_WORD, .at = FIELD(prompt), .fallback = ""},
    {.name = "separator",
     .help = "Text in the prompt that becomes the end-of-text token, such as <|endoftext|>",
     .type = OPTION_WORD, .at = FIELD(separator), .fallback = ""},
    {.name = "tokens", .help = "Maximum number of tokens to generate",
     .type = OPTION_INT, .at = FIELD(tokens), .fallback = "200", .min = 1, .max = 1e9},
    {.name = "temperature", .help = "Sampling temperature (0: always the most probable token)",
     .type = OPTION_REAL, .at = FIELD(temperature), .fallback = "0.8", .max = 100},
    {.name = "top-k", .help = "Sample from this many of the most probable tokens (0: all)",
     .type = OPTION_INT, .at = FIELD(top_k), .fallback = "0", .max = 1e6},
    {.name = "top-p",
     .help = "Sample from the most probable tokens that together have this probability",
     .type = OPTION_REAL, .at = FIELD(top_p), .fallback = "1", .max = 1},
    {.name = "seed", .help = "Seed for sampling",
     .type = OPTION_INT, .at = FIELD(seed), .fallback = "1", .max = 9e15},
    {0},
};

/* ---- drawing ---- */

typedef struct {
  float weight;
  int32_t id;
} Candidate;

/* A total order, so that the result does not depend on how the heap was built. */
static int before(const Candidate *a, const Candidate *b) {
  return a->weight != b->weight ? a->weight > b->weight : a->id < b->id;
}

static void sift_down(Candidate *heap, int64_t n, int64_t i) {
  Candidate moved = heap[i];
  for (int64_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && before(&heap[child + 1], &heap[child])) child++;
    if (!before(&heap[child], &moved)) break;
    heap[i] = heap[child];
  }
  heap[i] = moved;
}

/* Moves the first of n candidates to the end and restores the heap of the others. */
static void pop(Candidate *heap, int64_t n) {
  Candidate first = heap[0];
  heap[0] = heap[n - 1];
  sift_down(heap, n - 1, 0);
  heap[n - 1] = first;
}

/* Keeps the top k, then the top p of these; they are at the end, the most probable last. Returns
   their number, and their total weight in *sum. */
static int64_t cut(Candidate *c, int64_t V, int64_t top_k, double top_p, double *sum) {
  int64_t kept = 0, most = top_k > 0 && top_k < V ? top_k : V;
  double total = *sum;
  for (int64_t i = V / 2 - 1; i >= 0; i--) sift_down(c, V, i);
  if (most < V) {
    total = 0;
    for (; kept < most; kept++) {
      pop(c, V - kept);
      total += (double)c[V - 1 - kept].weight;
    }
  }
  *sum = 0;
  for (int64_t i = 0; i < most; i++) {
    if (i == kept) {
      pop(c, V - i);
      kept++;
    }
    *sum += (double)c[V - 1 - i].weight;
    if (*sum >= top_p * total) return i + 1;
  }
  return most;
}

static int32_t most_probable(const float *logits, int64_t V) {
  int64_t best = 0;
  for (int64_t i = 1; i < V; i++)
    if (logits[i] > logits[best]) best = i;
  return (int32_t)best;
}

int32_t sample_draw(const SampleOptions *o, const float *logits, int64_t V, void *scratch,
                    Random *random) {
  Candidate *c = scratch;
  int32_t best = most_probable(logits, V);
  double sum = 0;
  if (o->temperature == 0) return best;
  for (int64_t i = 0; i < V; i++) {
    double weight = exp(((double)logits[i] - (double)logits[best]) / o->temperature);
    c[i] = (Candidate){(float)weight, (int32_t)i};
    sum += (double)c[i].weight;
  }
  int64_t kept = o->top_k > 0 || o->top_p < 1 ? cut(c, V, o->top_k, o->top_p, &sum) : V;
  double left = random_uniform(random) * sum;
  for (int64_t i = V - kept; i < V; i++) {
    left -= (double)c[i].weight;
    if (left < 0) return c[i].id;
  }
  return c[V - 1].id;
}

/* ---- printing ---- */

enum { TOKEN_BYTES = 128 }; /* of the longest token */

/* `bytes` has the bytes of an incomplete character. */
typedef struct {
  FILE *out;
  int terminal; /* control characters are not printed */
  const Tokenizer *tokenizer;
  char bytes[TOKEN_BYTES + 4];
  size_t count;
} Printer;

static void print_characters(Printer *p, size_t size) {
  uint32_t code;
  for (size_t at = 0; at < size;) {
    int length = unicode_decode(p->bytes + at, size - at, &code);
    int controls = (code < ' ' && code != '\n' && code != '\t') || (code >= 0x7F && code < 0xA0);
    if (code == UNICODE_BAD || (controls && p->terminal)) fputs("\xEF\xBF\xBD", p->out);
    else fwrite(p->bytes + at, 1, (size_t)length, p->out);
    at += (size_t)length;
  }
  p->count -= size;
  memmove(p->bytes, p->bytes + size, p->count);
  fflush(p->out);
}

static void print_token(Printer *p, int32_t id) {
  int length;
  if (!p->tokenizer) {
    fprintf(p->out, "%d ", id);
    return;
  }
  const unsigned char *bytes = tokenizer_bytes(p->tokenizer, id, &length);
  memcpy(p->bytes + p->count, bytes, (size_t)length);
  p->count += (size_t)length;
  print_characters(p, unicode_whole(p->bytes, p->count));
}

/* ---- the text ---- */

typedef struct {
  const SampleOptions *options;
  Decoder *decoder;
  int32_t *ids; /* (context) tokens in the decoder, and the next token */
  int64_t count, context, V;
  float *logits;
  void *scratch;
} Text;

/* Sets ids (size of the prompt) and *count to its tokens; separators become end-of-text. */
static int encode_prompt(const char *prompt, const char *separator, const Tokenizer *tokenizer,
                         uint16_t *ids, size_t *count, Err *err) {
  size_t size = strlen(prompt), added, stop, next;
  int eot = tokenizer_eot(tokenizer);
  Err why;
  *count = 0;
  for (size_t at = 0; at < size; at = next) {
    stop = separator_find(separator, prompt, size, at, '\n', &next);
    if (tokenizer_encode(tokenizer, prompt + at, stop - at, ids + *count, &added, &why))
      return fail(err, "--prompt: %s", why.text);
    *count += added;
    if (stop < size && eot < 0)
      return fail(err, "--separator: this model has no end-of-text token; omit --separator");
    if (stop < size) ids[(*count)++] = (uint16_t)eot;
  }
  return 0;
}

static int take_prompt(Text *t, const char *prompt, const Tokenizer *tokenizer, Err *err) {
  size_t count;
  if (!tokenizer && *prompt)
    return fail(err, "--prompt: no tokenizer for a vocabulary of %lld tokens; omit --prompt",
                (long long)t->V);
  t->ids[0] = tokenizer ? tokenizer_start(tokenizer) : 0;
  t->count = 1;
  if (!*prompt) return 0;
  uint16_t *ids = memory_take(strlen(prompt), sizeof *ids);
  int status = encode_prompt(prompt, t->options->separator, tokenizer, ids, &count, err);
  if (status == 0 && (int64_t)count > t->context)
    status = fail(err, "--prompt: %zu tokens are too many; the model's context is %lld", count,
                  (long long)t->context);
  for (size_t i = 0; i < count && status == 0; i++) t->ids[i] = ids[i];
  if (status == 0) t->count = (int64_t)count;
  free(ids);
  return status;
}

/* Removes the first half. The rest gets new positions, so the decoder computes it again. */
static void slide(Text *t) {
  int64_t keep = (t->context + 1) / 2;
  memmove(t->ids, t->ids + t->count - keep, (size_t)keep * sizeof *t->ids);
  t->count = keep;
  decoder_clear(t->decoder);
}

static int32_t next_token(Text *t, Random *random) {
  int64_t fed = t->decoder->length;
  decoder_feed(t->decoder, t->ids + fed, t->count - fed, t->logits);
  int32_t id = sample_draw(t->options, t->logits, t->V, t->scratch, random);
  if (t->count == t->context) slide(t);
  /* With a context of 1, nothing remains. */
  if (t->count == t->context) t->count = 0;
  t->ids[t->count++] = id;
  return id;
}

static void print_text(Text *t, const Tokenizer *tokenizer, Random *random, FILE *out,
                       SampleReport *report) {
  Printer printer = {.out = out, .terminal = isatty(fileno(out)), .tokenizer = tokenizer};
  double start = clock_seconds();
  report->prompt_tokens = t->count;
  for (int64_t n = 0; n < t->options->tokens; n++) {
    threads_follow_load();
    int32_t id = next_token(t, random);
    if (n == 0) {
      report->prompt_seconds = clock_seconds() - start;
      start = clock_seconds();
    }
    if (tokenizer && id == tokenizer_eot(tokenizer)) break;
    print_token(&printer, id);
    report->tokens++;
  }
  print_characters(&printer, printer.count);
  report->seconds = clock_seconds() - start;
}

int sample_text(const GPT2 *m, const Tokenizer *tokenizer, const SampleOptions *options,
                Random *random, FILE *out, SampleReport *report, Err *err) {
  SampleReport unused;
  const char *prompt = options->text ? options->text : options->prompt;
  Text t = {.options = options, .context = m->size.context, .V = m->size.V};
  if (!report) report = &unused;
  *report = (SampleReport){0};
  t.ids = malloc((size_t)t.context * sizeof *t.ids);
  t.logits = malloc((size_t)t.V * sizeof *t.logits);
  t.scratch = malloc((size_t)t.V * sizeof(Candidate));
  int status = t.ids && t.logits && t.scratch ? 0 : fail(err, "no memory for a sample");
  if (status == 0) status = take_prompt(&t, prompt, tokenizer, err);
  if (status == 0) status = decoder_open(&t.decoder, m, err);
  if (status == 0) fputs(prompt, out);
  if (status == 0) print_text(&t, tokenizer, random, out, report);
  decoder_close(t.decoder);
  free(t.ids);
  free(t.logits);
  free(t.scratch);
  return status;
}
