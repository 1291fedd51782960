/* GPT-2 (Radford et al. 2019): token and learned position embeddings, L pre-LayerNorm blocks of
   causal attention and a tanh-GELU MLP, a final LayerNorm, and a head tied to the token embedding.
   Hand-written forward and backward over one arena each of weights, gradients and activations. */
#ifndef MODEL_GPT2_H
#define MODEL_GPT2_H

#include <stdint.h>

#include "core/batch.h"
#include "core/error.h"
#include "core/option.h"
#include "core/param.h"

typedef struct {
  int model;                     /* number of a preset: the rows of model_presets */
  int64_t L, NH, C, context, V;  /* layers, heads, channels, largest T, vocabulary */
} ModelOptions;

extern const Option model_options[]; /* --model --layers --heads --channels --context --vocab */

/* The presets, nano to gpt2-xl, as settings: "layers=4 heads=4 ... batch=16". */
typedef struct {
  const char *name, *settings, *about;
} ModelPreset;
extern const ModelPreset model_presets[]; /* ends with {0} */
#define MODEL_NAMES "nano|micro|gpt2|gpt2-medium|gpt2-large|gpt2-xl"

/* The settings of the preset with that name, or NULL. */
const char *model_preset(const char *name);

/* The parts of a pass whose times the model keeps. */
typedef enum {
  PASS_LINEAR,    /* the four linear layers of the blocks */
  PASS_HEAD,      /* the products of the tied head */
  PASS_ATTENTION,
  PASS_SOFTMAX,   /* and the cross-entropy */
  PASS_GELU,
  PASS_NORM,
  PASS_EMBEDDING,
  PASS_PARTS
} PassPart;

/* Seconds of each part since the caller last cleared them. */
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
  int param_count;
  Param *params; /* wte, wpe, 12 of each block, final LayerNorm weight and bias */
  int64_t max_rows; /* largest B*T of a batch */
  int training;
  BlockActivations *blocks; /* (L); all the same memory when not training */
  real *x_last, *stats_last;          /* (B,T,C), (B,T,2) */
  real *norm, *wide, *wide_gradient;  /* scratch (B,T,C), (B,T,4C), (B,T,4C) */
  real *dx, *dnorm;                   /* (B,T,C) the one residual gradient; scratch */
  real *logits, *attention;           /* scratch of the classifier and of the attention */
  Batch batch;        /* of the last gpt2_loss_gradient */
  int accumulate;     /* its gradients are added to those before */
  PassTimes times;
  double lap;         /* clock seconds of the last one */
  size_t weight_bytes, activation_bytes;
  void *weights, *gradients, *activations; /* the arenas */
} GPT2;

/* Allocates a model for batches of at most B rows of context tokens; without `training` there are
   no gradients and the blocks share their activations. Weights are zero until gpt2_init or a file
   sets them. Errors: heads that do not divide channels, no memory. */
int gpt2_open(GPT2 **model, const ModelOptions *size, int64_t B, int training, Err *err);
void gpt2_close(GPT2 *model);

/* Places in `params`, and in a block. The final LayerNorm's two are where the block after the
   last would begin. */
enum { WTE, WPE };
enum { LN1W, LN1B, QKVW, QKVB, ATTW, ATTB, LN2W, LN2B, FCW, FCB, PROJW, PROJB, BLOCK_PARAMS };

/* The parameters of a block, layer 0..L-1, or those after the last. */
Param *gpt2_block(const GPT2 *model, int64_t layer);

/* GPT-2's initial weights: N(0, 0.02), the two projections into the residual stream
   N(0, 0.02/sqrt(2L)), LayerNorm 1 and 0, biases 0. The same seed gives the same weights whatever
   the optimizer. */
void gpt2_init(GPT2 *model, uint64_t seed);

/* Mean loss of the batch in nats per token. */
double gpt2_loss(GPT2 *model, const Batch *batch);

/* The same forward pass, which keeps what gpt2_backward needs and already computes the classifier's
   part of the gradient, while its logits are in the cache. `weight` is that of each token's loss in
   the gradient; with `accumulate` gradients are added to instead of set. */
double gpt2_loss_gradient(GPT2 *model, const Batch *batch, double weight, int accumulate);

/* The other gradients of the last gpt2_loss_gradient, whose batch must still be in memory. */
void gpt2_backward(GPT2 *model);

/* Numbers of weights, and FLOPs of one training token with rows of T: 6 per weight that is in a
   product (all but the position embedding), and 6 L C T for the two products of causal attention,
   forward and backward (half of the T x T pairs; nanoGPT and PaLM count all of them). */
int64_t gpt2_weights(const GPT2 *model);
double gpt2_train_flops(const GPT2 *model, int64_t T);

#endif
