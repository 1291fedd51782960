#include "run/hints.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

#include "core/option.h"

/* nanoGPT, llm.c, Hugging Face's Trainer, PyTorch, modded-nanogpt, OLMo. */
static const struct {
  const char *names, *here;
} table[] = {
    {"learning-rate|max-lr|base-lr|peak-lr|eta", "use --lr"},
    {"wd|l2", "use --weight-decay"},
    {"batch-size|bs|train-batch-size|per-device-train-batch-size|total-batch-size", "use --batch"},
    {"gradient-accumulation-steps|grad-accum|device-batch-size|micro-batch-size",
     "use --micro-batch, the sequences per pass; --batch is the whole batch"},
    {"n-layer|n-layers|num-layers|num-hidden-layers|depth", "use --layers"},
    {"n-head|n-heads|num-heads|num-attention-heads", "use --heads"},
    {"n-embd|d-model|dim|hidden-size|embed-dim|width", "use --channels"},
    {"block-size|seq-len|seq-length|sequence-length|context-length|max-seq-len|n-ctx|ctx",
     "use --context"},
    {"vocab-size", "use --vocab"},
    {"max-iters|iters|iterations|num-iterations|max-steps|num-steps|total-steps", "use --steps"},
    {"epochs|num-epochs|num-train-epochs|max-epochs",
     "use --steps, or --tokens for the length of the run in tokens"},
    {"warmup-iters|warmup-steps|num-warmup-steps", "use --warmup"},
    {"scheduler|lr-schedule|lr-scheduler|lr-scheduler-type|lr-decay", "use --schedule"},
    {"min-lr|lr-min|learning-rate-decay-frac", "use --final-lr, a fraction of --lr"},
    {"grad-clip|clip-grad|gradient-clip|max-grad-norm|clip-grad-norm", "use --clip"},
    {"eval-interval|eval-every|eval-steps|val-interval|val-loss-every", "use --val-every"},
    {"eval-iters|eval-tokens|val-iters|val-max-steps", "use --val-tokens"},
    {"save-interval|save-steps|checkpoint-every|checkpoint-interval", "use --save-every"},
    {"save-total-limit", "use --keep"},
    {"out-dir|output-dir|save-dir|output|run-name", "use --out"},
    {"init-from|pretrained|model-name-or-path|load|load-weights", "use --init"},
    {"resume-from|resume-from-checkpoint|load-checkpoint|checkpoint|ckpt", "use --resume"},
    {"dataset|data-dir|data-path|train-data|train-file|input|input-bin", "use --data"},
    {"val-data|valid-data|validation-file|input-val-bin", "use --val"},
    {"optim|optimiser|opt", "use --optimizer"},
    {"adam-beta1|b1", "use --beta1"},
    {"adam-beta2|b2", "use --beta2"},
    {"adam-eps|adam-epsilon|epsilon", "use --eps"},
    {"mu|momentum-beta", "use --momentum"},
    {"ns-iters|newton-schulz-steps|backend-steps", "use --ns-steps"},
    {"random-seed|manual-seed|rng-seed", "use --seed"},
    {"config|config-file|cfg", "use @FILE, a file of lines name = value"},
    {"num-threads|n-threads|num-workers|cores", "use --threads"},
    {"device|gpu|gpus|cuda", "training uses the CPU; --threads sets the number of threads"},
    {"dtype|amp|bf16|mixed-precision|autocast", "use --precision"},
    {"compile", "all code is compiled already"},
    {"wandb|wandb-log|report-to",
     "use --tensorboard on; log.csv in the folder of the run has every step"},
    {"log-interval|log-every|logging-steps",
     "log.csv in the folder of the run has every step"},
    {NULL, NULL},
};

const char *hint_for(const char *name) {
  char plain[64];
  size_t n = 0;
  for (; name[n] && n + 1 < sizeof plain; n++)
    plain[n] = name[n] == '_' ? '-' : (char)tolower((unsigned char)name[n]);
  plain[n] = 0;
  for (int i = 0; table[i].names; i++)
    if (word_index(table[i].names, plain) >= 0) return table[i].here;
  return NULL;
}

const char *hint_names(int index) { return table[index].names; }
