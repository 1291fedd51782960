#include "tools/source/source.h"

#include "core/blas.h"
#include "core/int64.h"
#include "core/precision.h"
#include "run/checkpoint.h"
#include "run/export.h"
#include "run/program.h"

#define FIELD(member) offsetof(Source, member)
const Option source_options[] = {
    {.name = "from",
     .help = "Model to read: a run, a checkpoint, a Hugging Face folder or .safetensors file, or "
             "an llm.c checkpoint",
     .type = OPTION_WORD, .at = FIELD(from), .fallback = ""},
    {.name = "heads", .help = "Attention heads (0: as the file says)",
     .type = OPTION_INT, .at = FIELD(heads), .fallback = "0", .max = 1000},
    {0},
};

int source_check(const Source *source, Err *err) {
  if (*source->from) return 0;
  return fail(err, "--from is required: name a run, a checkpoint or a model file");
}

int source_open(GPT2 **model, Tokenizer **tokenizer, Source *source, const char *tool,
                int64_t tokens, int64_t heads, Err *err) {
  Weights w;
  Err passed = {""};
  int status = 0;
  *model = NULL;
  *tokenizer = NULL;
  if (checkpoint_weights(&w, source->from, &passed, err)) return -1;
  if (*passed.text) {
    Err note;
    fail(&note, "a newer checkpoint cannot be used: %s", passed.text);
    program_error(tool, note.text);
  }
  if (source->heads || w.size.NH == 0) w.size.NH = source->heads ? source->heads : heads;
  if (w.size.NH == 0)
    status = fail(err, "%s: the number of heads is unknown; give --heads", source->from);
  if (status == 0)
    status = gpt2_open(model, &w.size, i64_max(tokens / w.size.context, 1), 0, err) ||
             weights_load(&w, *model, err) ||
             export_tokenizer(tokenizer, w.path, w.size.V, err);
  snprintf(source->path, sizeof source->path, "%s", w.path);
  weights_close(&w);
  return status ? -1 : 0;
}

const Option machine_options[] = {
    {.name = "threads", .help = "Number of threads (0: one per core)",
     .type = OPTION_INT, .at = offsetof(Machine, threads), .fallback = "0", .max = 4096},
    PRECISION_OPTION(Machine, precision, .min = 0),
    {0},
};

int machine_start(const Machine *machine, Err *err) {
  threads_start((int)machine->threads);
  precision_set((Precision)machine->precision);
  return precision_start(err);
}
