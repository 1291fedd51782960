/* The small files that stand beside the weights in a folder, so that other programs can open it as
   a GPT-2 with its tokenizer. */
#ifndef RUN_EXPORT_H
#define RUN_EXPORT_H

#include "core/error.h"
#include "data/tokenizer.h"
#include "model/gpt2.h"

enum { EXPORT_CONFIG, EXPORT_VOCAB, EXPORT_MERGES, EXPORT_FILES };
enum { EXPORT_SUM = 16 };

/* config.json, vocab.json, merges.txt */
extern const char *const export_files[EXPORT_FILES];

/* Writes them, without the tokenizer's where it is NULL. sums: the CRC-32 of each as eight
   hexadecimal digits, or "" of one that is not written. */
int export_save(const ModelOptions *size, const Tokenizer *tokenizer, const char *folder,
                char sums[EXPORT_FILES][EXPORT_SUM], Err *err);

#endif
