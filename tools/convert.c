/* Writes a model's weights in another format. */
#include <stdio.h>
#include <string.h>

#include "core/blas.h"
#include "core/file.h"
#include "core/quote.h"
#include "model/formats/huggingface.h"
#include "model/formats/llmc.h"
#include "run/checkpoint.h"
#include "run/export.h"
#include "run/program.h"

#define FORMATS(X) X(TO_FOLDER, "huggingface") X(TO_SAFETENSORS, "safetensors") X(TO_LLMC, "llm.c")
enum { FORMATS(CHOICE_NAME) };

typedef struct {
  char from[OPTION_TEXT], to[OPTION_TEXT];
  int format, dtype, overwrite;
  int64_t heads;
} ConvertOptions;

#define FIELD(member) offsetof(ConvertOptions, member)
static const Option convert_options[] = {
    {.name = "from",
     .help = "Model to read: a run, a checkpoint, a Hugging Face folder or .safetensors file, or "
             "an llm.c checkpoint",
     .type = OPTION_WORD, .at = FIELD(from), .fallback = ""},
    {.name = "to", .help = "File or folder to write",
     .type = OPTION_WORD, .at = FIELD(to), .fallback = ""},
    {.name = "format",
     .help = "Format to write (huggingface: a folder with config.json and the tokenizer)",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "huggingface",
     .choices = FORMATS(CHOICE_WORD)},
    {.name = "dtype", .help = "Number format (llm.c has f32, version 3, and bf16, version 5)",
     .type = OPTION_CHOICE, .at = FIELD(dtype), .fallback = "f32", .choices = DTYPE_NAMES},
    {.name = "overwrite", .help = "Replace an existing file or folder in --to",
     .type = OPTION_CHOICE,
     .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF},
    {.name = "heads", .help = "Attention heads (0: as the file says)",
     .type = OPTION_INT, .at = FIELD(heads), .fallback = "0", .max = 1000},
    {0},
};

static const Metadata METADATA[] = {{"format", "pt"}, {0}};

static int save_folder(const GPT2 *m, const Weights *from, const ConvertOptions *o, Err *err) {
  char path[OPTION_TEXT + 32], sums[EXPORT_FILES][EXPORT_SUM];
  Tokenizer *tokenizer;
  if (export_tokenizer(&tokenizer, from->path, m->size.V, err)) return -1;
  snprintf(path, sizeof path, "%s/model.safetensors", o->to);
  int status = folder_make(o->to, err) || export_save(&m->size, tokenizer, o->to, sums, err) ||
               huggingface_save(m, path, (Dtype)o->dtype, METADATA, err);
  tokenizer_close(tokenizer);
  return status;
}

static int save(const GPT2 *m, const Weights *from, const ConvertOptions *o, Err *err) {
  if (o->format == TO_FOLDER) return save_folder(m, from, o, err);
  if (o->format == TO_SAFETENSORS)
    return huggingface_save(m, o->to, (Dtype)o->dtype, METADATA, err);
  return llmc_save(m, o->to, (Dtype)o->dtype, err);
}

/* Without --overwrite no file is replaced, in a folder none of those that are written. */
static int check_free(const ConvertOptions *o, Err *err) {
  char path[OPTION_TEXT + 32];
  if (o->format != TO_FOLDER || !folder_exists(o->to))
    return program_check_free(o->to, o->overwrite, err);
  for (int i = 0; i <= EXPORT_FILES; i++) {
    snprintf(path, sizeof path, "%s/%s", o->to,
             i < EXPORT_FILES ? export_files[i] : "model.safetensors");
    if (program_check_free(path, o->overwrite, err)) return -1;
  }
  return 0;
}

/* A .safetensors file holds no number of heads; a folder and llm.c's header have to. */
static int check_heads(Weights *w, const ConvertOptions *o, Err *err) {
  if (o->heads) w->size.NH = o->heads;
  if (w->size.NH == 0 && o->format != TO_SAFETENSORS)
    return fail(err, "%s: does not say how many heads it has: give --heads", o->from);
  if (w->size.NH == 0) w->size.NH = 1; /* not written */
  return 0;
}

static int convert(const ConvertOptions *o, Err *err) {
  Weights w;
  GPT2 *model = NULL;
  Err passed = {""};
  threads_start(1);
  if (check_free(o, err) || checkpoint_weights(&w, o->from, &passed, err)) return -1;
  if (*passed.text) program_error("convert: a newer checkpoint cannot be used", passed.text);
  int status = check_heads(&w, o, err) || gpt2_open(&model, &w.size, 1, 0, err) ||
               weights_load(&w, model, err) || save(model, &w, o, err);
  if (status == 0) {
    quote_terminal(stdout, o->to);
    printf(": %lld layers, %lld channels, context %lld, vocabulary %lld: %lld weights\n",
           (long long)w.size.L, (long long)w.size.C, (long long)w.size.context,
           (long long)w.size.V, (long long)gpt2_weights(model));
  }
  gpt2_close(model);
  weights_close(&w);
  return status;
}

static int check(const ConvertOptions *o, Err *err) {
  if (!*o->from || !*o->to)
    return fail(err, "--from and --to are required; --help lists the options");
  if (o->format == TO_LLMC && o->dtype == DTYPE_F16)
    return fail(err, "--dtype f16: llm.c has no such checkpoints; use f32 or bf16");
  return 0;
}

static void help(FILE *out) {
  fprintf(out, "Writes a model's weights in another format.\n\n"
               "  tools/convert --from runs/muon-nano --to gpt2.bin --format llm.c\n\n");
  options_help(out, &(OptionSet){.title = "options", .rows = convert_options});
}

static int run(int argc, char **argv, Err *err) {
  ConvertOptions options;
  const OptionSet sets[] = {
      {.title = "options", .rows = convert_options, .values = &options}, {0}};
  if (program_options(sets, argc, argv, err) || check(&options, err)) return EXIT_USAGE;
  return convert(&options, err) ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "convert", .help = help, .run = run}, argc, argv);
}
