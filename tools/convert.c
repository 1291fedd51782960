/* Writes a model's weights, or the log of a run, in the format of other programs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/blas.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "core/text.h"
#include "data/vocabulary.h"
#include "model/formats/gguf.h"
#include "model/formats/huggingface.h"
#include "model/formats/llmc.h"
#include "run/events.h"
#include "run/export.h"
#include "run/names.h"
#include "run/program.h"
#include "run/runlog.h"
#include "run/spectra.h"
#include "tools/source/source.h"

#define FORMATS(X)                                                                          \
  X(TO_AUTO, "auto") X(TO_FOLDER, "huggingface") X(TO_SAFETENSORS, "safetensors")           \
  X(TO_LLMC, "llm.c") X(TO_GGUF, "gguf") X(TO_TENSORBOARD, "tensorboard")
enum { FORMATS(CHOICE_NAME) FORMAT_COUNT };

/* The ends of the names of files. */
static const char *const endings[FORMAT_COUNT] = {
    [TO_FOLDER] = "-huggingface",
    [TO_SAFETENSORS] = ".safetensors",
    [TO_LLMC] = ".bin",
    [TO_GGUF] = ".gguf",
    [TO_TENSORBOARD] = "",
};

/* Ends of files of formats that are not written; without --format these names are refused. */
static const char *const foreign[] = {".onnx", ".pt",   ".pth", ".ckpt",
                                      ".h5",   ".ggml", ".npz", "pytorch_model.bin"};

typedef struct {
  char to[OPTION_TEXT];
  int format, dtype, overwrite;
} ConvertOptions;

#define FIELD(member) offsetof(ConvertOptions, member)
static const Option convert_options[] = {
    {.name = "to",
     .help = "File or folder to write, or a format, which then also chooses the name: the model's "
             "with another ending, or for tensorboard the run's folder",
     .type = OPTION_WORD, .at = FIELD(to), .fallback = ""},
    {.name = "format",
     .help = "Format to write (auto: by the name in --to: .safetensors, .gguf, .bin for llm.c, "
             "else huggingface: a folder with config.json and the tokenizer)",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "auto",
     .choices = FORMATS(CHOICE_WORD)},
    {.name = "dtype", .help = "Number format of weights (llm.c: f32 or bf16)",
     .type = OPTION_CHOICE, .at = FIELD(dtype), .fallback = "f32", .choices = DTYPE_NAMES},
    {.name = "overwrite", .help = "Replace existing files",
     .type = OPTION_CHOICE, .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF},
    {0},
};

/* One conversion. */
typedef struct {
  Source source;
  int format;
  char to[2 * OPTION_TEXT];
  const ConvertOptions *options;
} Job;

/* ---- weights ---- */

static const Metadata METADATA[] = {{"format", "pt"}, {0}};

static int save_folder(const GPT2 *m, const Tokenizer *tokenizer, const Job *job, Err *err) {
  char path[sizeof job->to + 32], sums[EXPORT_FILES][EXPORT_SUM];
  snprintf(path, sizeof path, "%s/model.safetensors", job->to);
  return folder_make(job->to, err) || export_save(&m->size, tokenizer, job->to, sums, err) ||
         huggingface_save(m, path, (Dtype)job->options->dtype, METADATA, err);
}

static char *text_of(void (*print)(FILE *, const Tokenizer *), const Tokenizer *t) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  print(out, t);
  return fclose(out) == 0 ? text : NULL;
}

static int save_gguf(const GPT2 *m, const Tokenizer *t, const Job *job, Err *err) {
  const char *slash = strrchr(job->source.from, '/');
  GgufVocabulary v = {.eot = t ? tokenizer_eot(t) : -1};
  char *tokens = t ? text_of(vocabulary_tokens, t) : NULL;
  char *merges = t ? text_of(vocabulary_merges, t) : NULL;
  int status = t && (!tokens || !merges) ? fail(err, "no memory for the vocabulary") : 0;
  v.tokens = tokens;
  v.merges = merges ? strchr(merges, '\n') + 1 : NULL; /* without the line of the version */
  if (status == 0)
    status = gguf_save(m, job->to, slash ? slash + 1 : job->source.from,
                       (Dtype)job->options->dtype, &v, err);
  free(tokens);
  free(merges);
  return status;
}

static int save(const GPT2 *m, const Tokenizer *t, const Job *job, Err *err) {
  Dtype dtype = (Dtype)job->options->dtype;
  switch (job->format) {
    case TO_SAFETENSORS: return huggingface_save(m, job->to, dtype, METADATA, err);
    case TO_LLMC: return llmc_save(m, job->to, dtype, err);
    case TO_GGUF: return save_gguf(m, t, job, err);
    default: return save_folder(m, t, job, err);
  }
}

/* A .safetensors file has no number of heads. */
static int convert_weights(Job *job, Err *err) {
  GPT2 *m = NULL;
  Tokenizer *tokenizer = NULL;
  int64_t heads = job->format == TO_SAFETENSORS;
  int status = source_open(&m, &tokenizer, &job->source, "convert", 1, heads, err) ||
               save(m, tokenizer, job, err);
  if (status == 0) {
    const ModelOptions *s = &m->size;
    quote_terminal(stdout, job->to);
    printf(": %lld layers, %lld channels, context %lld, vocabulary %lld: %lld weights\n",
           (long long)s->L, (long long)s->C, (long long)s->context, (long long)s->V,
           (long long)gpt2_weights(m));
  }
  tokenizer_close(tokenizer);
  gpt2_close(m);
  return status;
}

/* ---- logs ---- */

/* The training time of a step, by its row. */
static double seconds_at(const RunLog *log, int64_t step) {
  int i = 0;
  while (i + 1 < log->count && log->rows[i].step < step) i++;
  return isnan(log->rows[i].seconds) ? 0 : log->rows[i].seconds;
}

static int write_spectra(Events *events, const RunLog *log, Err *err) {
  Spectra s;
  int status = spectra_read(&s, log->path, err);
  for (int i = 0; i < s.count && status == 0; i++) {
    spectrum_log_event(events, s.classes[s.rows[i].kind], s.rows[i].values);
    if (i + 1 == s.count || s.rows[i + 1].step != s.rows[i].step)
      status = events_write(events, s.rows[i].step, seconds_at(log, s.rows[i].step), err);
  }
  spectra_free(&s);
  return status;
}

/* The run ended when its log was last changed. */
static double end_of(const char *run) {
  char path[2 * OPTION_TEXT];
  struct stat file;
  snprintf(path, sizeof path, "%s/" LOG_FILE, run);
  return stat(path, &file) == 0 || stat(run, &file) == 0 ? (double)file.st_mtime : 0;
}

static int write_log(const Job *job, const RunLog *log, Err *err) {
  char path[2 * OPTION_TEXT];
  Events *events = NULL;
  Err ignored;
  double seconds = seconds_at(log, log->rows[log->count - 1].step);
  snprintf(path, sizeof path, "%s/" SPECTRUM_FILE, log->path);
  int status = folder_make(job->to, err) || events_remove(job->to, err) ||
               events_open(&events, job->to, 0, end_of(log->path) - seconds, err);
  for (int i = 0; i < log->count && status == 0; i++)
    status = log_write_event(events, &log->rows[i], err);
  if (status == 0 && file_exists(path)) status = write_spectra(events, log, err);
  return events_close(events, status ? &ignored : err) || status ? -1 : 0;
}

static int convert_log(Job *job, Err *err) {
  RunLog log;
  if (runlog_read(&log, job->source.from, err)) return -1;
  int status = write_log(job, &log, err);
  if (status == 0) {
    quote_terminal(stdout, job->to);
    printf(": %d steps for TensorBoard\n", log.count);
  }
  runlog_free(&log);
  return status;
}

/* ---- the program ---- */

/* Error if a file to be written exists, without --overwrite. */
static int check_free(const Job *job, Err *err) {
  char path[sizeof job->to + 32];
  int overwrite = job->options->overwrite;
  if (job->format == TO_TENSORBOARD && !overwrite && events_any(job->to))
    return fail(err, "%s: has event files already; use --overwrite on to replace them", job->to);
  if (job->format == TO_TENSORBOARD) return 0;
  if (job->format != TO_FOLDER || !folder_exists(job->to))
    return program_check_free(job->to, overwrite, err);
  for (int i = 0; i <= EXPORT_FILES; i++) {
    snprintf(path, sizeof path, "%s/%s", job->to,
             i < EXPORT_FILES ? export_files[i] : "model.safetensors");
    if (program_check_free(path, overwrite, err)) return -1;
  }
  return 0;
}

static int convert(Job *job, Err *err) {
  if (check_free(job, err)) return -1;
  return job->format == TO_TENSORBOARD ? convert_log(job, err) : convert_weights(job, err);
}

/* Sets the format and the name to write from --to and --format. */
static int choose(Job *job, Err *err) {
  static const char words[] = FORMATS(CHOICE_WORD);
  const ConvertOptions *o = job->options;
  int named = word_index(words, o->to);
  size_t length = strlen(job->source.from);
  while (length > 1 && job->source.from[length - 1] == '/') length--;
  job->source.from[length] = 0;
  job->format = o->format;
  if (job->format == TO_AUTO && named > TO_AUTO) job->format = named;
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign && job->format == TO_AUTO; i++)
    if (text_ends(o->to, foreign[i]))
      return fail(err, "--to %s: the formats are a Hugging Face folder, .safetensors, .bin (llm.c) "
                       "and .gguf; choose one, or give --format", o->to);
  for (int i = TO_SAFETENSORS; i < TO_TENSORBOARD && job->format == TO_AUTO; i++)
    if (text_ends(o->to, endings[i])) job->format = i;
  if (job->format == TO_AUTO) job->format = TO_FOLDER;
  if (named == job->format)
    snprintf(job->to, sizeof job->to, "%s%s", job->source.from, endings[named]);
  else snprintf(job->to, sizeof job->to, "%s", o->to);
  if (job->format == TO_LLMC && o->dtype == DTYPE_F16)
    return fail(err, "--dtype f16: llm.c has no such checkpoints; use f32 or bf16");
  return 0;
}

static int check(const Source *source, const ConvertOptions *o, int words, Err *err) {
  if ((!*source->from && words == 0) || !*o->to)
    return fail(err, "a model and --to are required; --help lists the options");
  if (words + (*source->from != 0) > 1 && word_index(FORMATS(CHOICE_WORD), o->to) <= TO_AUTO)
    return fail(err, "--to %s: is one name for several models; name a format", o->to);
  return 0;
}

static void help(FILE *out) {
  fprintf(out, "Writes a model's weights, or the log of a run, in the format of other programs.\n\n"
               "  tools/convert runs/muon-nano --to gpt2.bin\n"
               "  tools/convert runs/muon-nano --to muon.gguf --dtype f16\n"
               "  tools/convert runs/* --to tensorboard\n\n");
  options_help(out, &(OptionSet){.title = "model", .rows = source_options});
  fputc('\n', out);
  options_help(out, &(OptionSet){.title = "options", .rows = convert_options});
}

/* A model that cannot be converted does not stop the others. */
static int convert_all(const Source *source, const ConvertOptions *options, char **words,
                       int count, Err *err) {
  int code = EXIT_DONE;
  if (check(source, options, count, err)) return EXIT_USAGE;
  threads_start(1);
  for (int i = *source->from ? -1 : 0; i < count; i++) {
    Job job = {.source = *source, .options = options};
    if (i >= 0) snprintf(job.source.from, sizeof job.source.from, "%s", words[i]);
    if (choose(&job, err)) return EXIT_USAGE;
    if (convert(&job, err) == 0) continue;
    program_error("convert", err->text);
    *err->text = 0; /* it was printed */
    code = EXIT_FAILED;
  }
  return code;
}

static int run(int argc, char **argv, Err *err) {
  Source source;
  ConvertOptions options;
  const OptionSet sets[] = {{.title = "model", .rows = source_options, .values = &source},
                            {.title = "options", .rows = convert_options, .values = &options},
                            {0}};
  char **words = memory_take((size_t)argc, sizeof *words);
  int count = program_words(&argc, argv, words);
  int status = program_options(sets, argc, argv, err)
                   ? EXIT_USAGE
                   : convert_all(&source, &options, words, count, err);
  free(words);
  return status;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "convert", .help = help, .run = run}, argc, argv);
}
