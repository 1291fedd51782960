/* Checkpoints: folders step-000400 in the folder of a run, which hold
     model.safetensors, config.json   the weights, as Hugging Face stores a GPT-2
     vocab.json, merges.txt           the tokenizer, where the vocabulary is one of its own
     state.safetensors                the optimizer's state, and where the run stands
   and, for people, a link `latest` to the newest; the newest whole one is what counts, as some file
   systems have no links. A checkpoint is there whole or not at all: it is written under
   a name that is none, synced to the disk, then renamed. CRC-32 sums cover every byte.

   Neither the loader nor the random streams have a state of their own: both are functions of the
   options and the step, which are recorded. */
#ifndef RUN_CHECKPOINT_H
#define RUN_CHECKPOINT_H

#include "core/error.h"
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
  int64_t step, log_bytes;      /* steps done; length of log.csv behind the last one's row */
  double seconds;               /* of training */
  uint32_t data_fingerprint;
  char damaged[512];            /* why a newer one was passed over, or empty */
  int lock;                     /* of the run's folder, or -1: the caller may take it over */
} Checkpoint;

/* Locks the folder of a run, opens a checkpoint of it, or the newest whole one, and checks all of
   it. Errors: another process writes to the folder; there is none; damage of any kind (with the
   sentence on the newest, when a run has no whole one); a link out of the run's folder. */
int checkpoint_open(Checkpoint **c, const char *path, Err *err);
void checkpoint_close(Checkpoint *c);

/* Whether a folder holds a checkpoint of a run, whole or not. */
int checkpoint_any(const char *run);

/* Opens weights from what weights_open takes, or from the newest checkpoint of a run whose weights
   can be read; `passed` says why a newer one cannot. */
int checkpoint_weights(Weights *w, const char *path, Err *passed, Err *err);

/* The value of an option when the checkpoint was written, or NULL. */
const char *checkpoint_option(const Checkpoint *c, const char *name);

/* Fills weights and optimizer state. Error: they are another model's or optimizer's. */
int checkpoint_restore(const Checkpoint *c, GPT2 *model, OptimizerState *state, Err *err);

/* Makes it the run's newest: `latest` points to it, newer ones are set aside as
   step-000500.set-aside, so that they cannot be taken for its continuation. `note` says why
   `latest` could not be made, which is not an error; otherwise it stays as it is. */
int checkpoint_make_newest(const Checkpoint *c, Err *note, Err *err);

/* Removes all checkpoints of a run, those set aside too, for one that takes its place. */
int checkpoint_remove_all(const char *run, Err *err);

/* Writes the checkpoint of a run as it stands (struct Run of run/run.h; its log has to be on the
   disk), moves `latest` to it, and removes all but the newest --keep. When it cannot be written,
   the older ones are as they were. `note` as above. */
struct Run;
int checkpoint_save(const struct Run *run, int64_t log_bytes, Err *note, Err *err);

#endif
