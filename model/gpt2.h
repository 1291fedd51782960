/* GPT-2 (Radford et al. 2019): token and learned position embeddings, L pre-LayerNorm blocks of
   causal attention and a tanh-GELU MLP, a final LayerNorm, and a head tied to the token embedding.
   Options: dropout, exact GELU, no biases, an untied head.
   Hand-written forward and backward passes. Weights, gradients and activations have one arena
   each. */
#ifndef MODEL_GPT2_H
#define MODEL_GPT2_H

#include <stdint.h>

#include "core/batch.h"
#include "core/error.h"
#include "core/option.h"
#include "core/param.h"
#include "model/dropout.h"

/* Zero is GPT-2. */
enum { BIAS_ON, BIAS_OFF };
enum { HEAD_TIED, HEAD_UNTIED };

typedef struct {
  int model;                     /* index of the preset in model_presets */
  int64_t L, NH, C, context, V;  /* layers, heads, channels, maximum T, vocabulary */
  double dropout, init_sd;
  int bias, gelu, head;          /* BIAS_ON, GELU_TANH (model/gelu.h), HEAD_TIED, ... */
} ModelOptions;

/* --model --layers --heads --channels --context --vocab --dropout --bias --gelu --tie --init-sd */
extern const Option model_options[];

/* The presets, nano to gpt2-xl, as settings: "layers=4 heads=4 ... batch=16". */
typedef struct {
  const char *name, *settings, *about;
} ModelPreset;
extern const ModelPreset model_presets[]; /* ends with {0} */
#define MODEL_NAMES "nano|pico|micro|shakespeare|gpt2|gpt2-medium|gpt2-large|gpt2-xl"

/* The settings of the preset with that name, or NULL. */
const char *model_preset(const char *name);

/* The parts of a pass that are timed. */
typedef enum {
  PASS_LINEAR,    /* the four linear layers of the blocks */
  PASS_HEAD,      /* the products of the tied head */
  PASS_ATTENTION,
  PASS_SOFTMAX,   /* and cross-entropy */
  PASS_GELU,
  PASS_NORM,
  PASS_EMBEDDING,
  PASS_PARTS
} PassPart;

/* Seconds of each part; the caller clears them. */
typedef struct {
  double forward[PASS_PARTS], backward[PASS_PARTS];
} PassTimes;

/* The sum over the parts. */
double pass_seconds(const double parts[PASS_PARTS]);

typedef struct {
  real *x, *x_mid;          /* (B,T,C) the residual stream before each half of the block */
  real *qkv, *att, *lse;    /* (B,T,3C), (B,T,C), (B,NH,T) */
  real *fc;                 /* (B,T,4C) before GELU */
  real *stats1, *stats2;    /* (B,T,2) mean and 1/std of the LayerNorms */
} BlockActivations;

typedef struct {
  ModelOptions size;
  int param_count, place_count;
  Param *params; /* wte, wpe, 12 of each block, final LayerNorm weight and bias, untied head */
  Param *places; /* the same, and empty ones for those that this model does not have */
  int64_t max_rows; /* largest B*T of a batch */
  int training;
  BlockActivations *blocks; /* (L); all the same memory when not training */
  real *x_last, *stats_last;          /* (B,T,C), (B,T,2) */
  real *norm, *wide, *wide_gradient;  /* scratch (B,T,C), (B,T,4C), (B,T,4C) */
  real *dx, *dnorm;                   /* (B,T,C) gradient of the residual stream; scratch */
  real *logits;                       /* scratch of the classifier */
  uint64_t dropout_seed;
  Dropout dropout;    /* of this pass; its rate is 0 in gpt2_loss */
  Batch batch;        /* of the last gpt2_loss_gradient */
  int accumulate;     /* add to the gradients instead of setting them */
  /* Asked before each block: when it returns true, the pass ends early, its loss and gradients mean
     nothing. NULL: never. */
  int (*cancelled)(void);
  /* Called, if not NULL, during gpt2_backward whenever the gradients of `count` places from `first`
     on are complete; they are one after another in memory. */
  void (*gradient_done)(const Param *first, int count);
  PassTimes times;
  double lap;         /* clock seconds of the last lap */
  size_t weight_bytes, activation_bytes;
  void *weights, *gradients, *activations; /* the arenas */
} GPT2;

/* Describes a model, its parameters and the sizes of its arenas, without memory for them. Errors:
   as gpt2_open. */
int gpt2_plan(GPT2 **model, const ModelOptions *size, int64_t B, int training, Err *err);

/* The same with memory: a model with zero weights for batches of up to B rows of `context` tokens.
   Without `training` it has no gradients, and the blocks share their activations. Errors: heads do
   not divide channels, no memory. */
int gpt2_open(GPT2 **model, const ModelOptions *size, int64_t B, int training, Err *err);
void gpt2_close(GPT2 *model);

/* Indices in `params` and in a block. The final LayerNorm is the first two after the last block. A
   parameter that the model does not have, such as a bias, has w = NULL. */
enum { WTE, WPE };
enum { LN1W, LN1B, QKVW, QKVB, ATTW, ATTB, LN2W, LN2B, FCW, FCB, PROJW, PROJB, BLOCK_PARAMS };

/* The parameters of a block, layer 0..L-1, or those after the last. */
Param *gpt2_block(const GPT2 *model, int64_t layer);

/* The matrix (V,C) of the head: the token embedding if they are tied. */
Param *gpt2_head(const GPT2 *model);

/* Sets GPT-2's initial weights: N(0, sd), with sd = size.init_sd; N(0, sd/sqrt(2L)) for the two
   projections into the residual stream; 1 and 0 for LayerNorm; 0 for biases. They depend only on
   seed and sizes. Sets dropout_seed to the same seed. */
void gpt2_init(GPT2 *model, uint64_t seed);

/* Mean loss of the batch in nats per token, without dropout. */
double gpt2_loss(GPT2 *model, const Batch *batch);

/* The same forward pass for training: it keeps what gpt2_backward needs, and computes the gradient
   of the classifier while its logits are in the cache. `weight` is the weight of each token's loss
   in the gradient. With `accumulate`, adds to the gradients instead of setting them. */
double gpt2_loss_gradient(GPT2 *model, const Batch *batch, double weight, int accumulate);

/* Completes the gradients after gpt2_loss_gradient; its batch must still be in memory. */
void gpt2_backward(GPT2 *model);

/* Error if the model differs from GPT-2, so that the format of the file `path` cannot hold it. */
int gpt2_check_plain(const ModelOptions *size, const char *path, Err *err);

/* Number of weights, and FLOPs per training token in rows of T: 6 per weight in a product (all
   except the position embedding and an untied token embedding), plus 6 L C T for the two products
   of causal attention, forward and backward (half of the T x T pairs; nanoGPT and PaLM count all of
   them). */
int64_t gpt2_weights(const GPT2 *model);
double gpt2_train_flops(const GPT2 *model, int64_t T);

#endif
