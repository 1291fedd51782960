/* Checkpoints: folders step-000400 in the folder of a run, with
     model.safetensors, config.json   the weights in Hugging Face's format
     generation_config.json, vocab.json, merges.txt, tokenizer_config.json
     state.safetensors                optimizer state, options, and the position of the run
   The link `latest` to the newest is only for people: --resume uses the newest valid folder. A
   checkpoint is complete or absent: it is written under a temporary name, synced to disk, then
   renamed. CRC-32 sums cover every byte.

   The data loader and the random streams have no state: they depend only on the options and the
   step. */
#ifndef RUN_CHECKPOINT_H
#define RUN_CHECKPOINT_H

#include "core/error.h"
#include "data/tokenizer.h"
#include "model/gpt2.h"
#include "model/formats/safetensors.h"
#include "model/formats/weights.h"
#include "optim/harness.h"

enum { CHECKPOINT_PATH = OPTION_TEXT + 128 };

typedef struct {
  char run[OPTION_TEXT];        /* the run's folder */
  char folder[CHECKPOINT_PATH]; /* the checkpoint's own */
  char model_path[CHECKPOINT_PATH + 32], state_path[CHECKPOINT_PATH + 32];
  Safetensors model, state;
  int64_t step, log_bytes;      /* steps done; length of log.csv after the last row */
  double seconds;               /* of training */
  uint32_t data_fingerprint;
  char damaged[512];            /* why a newer one was skipped, or empty */
  int lock;                     /* of the run's folder, or -1: the caller may take it over */
} Checkpoint;

/* Locks the folder of a run, opens the given checkpoint or the newest valid one of the run, and
   verifies it. Errors: another process writes to the folder; there is no checkpoint; damage (if all
   are damaged, the message is about the newest); a link to outside the run's folder. */
int checkpoint_open(Checkpoint **c, const char *path, Err *err);
void checkpoint_close(Checkpoint *c);

/* Whether a folder contains a checkpoint, valid or not. */
int checkpoint_any(const char *run);

/* Opens weights from any path that weights_open accepts, or from the newest checkpoint of a run
   whose weights are valid. `passed` gets the reason why a newer one was skipped. */
int checkpoint_weights(Weights *w, const char *path, Err *passed, Err *err);

/* The value of an option when the checkpoint was written, or NULL. */
const char *checkpoint_option(const Checkpoint *c, const char *name);

/* Restores weights and optimizer state. Error: they belong to another model or optimizer. */
int checkpoint_restore(const Checkpoint *c, GPT2 *model, OptimizerState *state, Err *err);

/* Makes it the newest of the run: `latest` points to it, and newer ones are renamed to
   step-000500.set-aside, so that they are not resumed. If `latest` cannot be set, that is not an
   error, but `note` gets the reason. */
int checkpoint_make_newest(const Checkpoint *c, Err *note, Err *err);

/* Removes all checkpoints of a run, including those set aside, before a new run replaces it. */
int checkpoint_remove_all(const char *run, Err *err);

/* The state of a run between two steps; its log is synced up to log_bytes. */
typedef struct {
  const OptionSet *sets; /* all options; ends with {0} */
  const GPT2 *model;
  OptimizerState *optimizer;
  const Tokenizer *tokenizer; /* or NULL */
  int64_t step, batch, log_bytes;
  int64_t best; /* the step of the checkpoint to keep as `best`, or -1 */
  double seconds;
  uint32_t data_fingerprint;
} Snapshot;

/* Writes a checkpoint to the folder of the run, points `latest` (and `best`, if it is the best) to
   it, and removes all except the newest `keep` and the best. On error, older checkpoints are
   unchanged. `note` as above. */
int checkpoint_save(const char *run, const Snapshot *of, int64_t keep, Err *note, Err *err);

#endif
