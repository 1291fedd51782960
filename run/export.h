/* The small files next to the weights with which other programs can open the folder as a GPT-2 with
   its tokenizer. */
#ifndef RUN_EXPORT_H
#define RUN_EXPORT_H

#include "core/error.h"
#include "data/tokenizer.h"
#include "model/gpt2.h"

enum { EXPORT_CONFIG, EXPORT_GENERATION, EXPORT_VOCAB, EXPORT_MERGES, EXPORT_TOKENIZER,
       EXPORT_FILES };
enum { EXPORT_SUM = 16 };

/* config.json, generation_config.json, vocab.json, merges.txt, tokenizer_config.json */
extern const char *const export_files[EXPORT_FILES];

/* Opens the tokenizer of the weights in a file, by the vocab.json beside it and their number of
   tokens (vocabulary_open); NULL if there is none. */
int export_tokenizer(Tokenizer **t, const char *weights, int64_t vocab, Err *err);

/* path (size) = the vocab.json beside a file of weights. */
void export_vocabulary_path(const char *weights, char *path, size_t size);

/* Writes them; the last three only if `tokenizer` is not NULL. Sets sums to the CRC-32 of
   each as eight hexadecimal digits, or "" if it was not written. */
int export_save(const ModelOptions *size, const Tokenizer *tokenizer, const char *folder,
                char sums[EXPORT_FILES][EXPORT_SUM], Err *err);

#endif
