/* Files compiled into the program, so that it needs no data files. */
#ifndef DATA_EMBEDDED_H
#define DATA_EMBEDDED_H

#include <stdint.h>

/* Six novels by Jane Austen, gzipped: data/austen.txt.gz. */
extern const unsigned char embedded_austen[];
extern const uint32_t embedded_austen_size;

/* The "tiny Shakespeare" of char-rnn and nanoGPT, gzipped: data/shakespeare.txt.gz. */
extern const unsigned char embedded_shakespeare[];
extern const uint32_t embedded_shakespeare_size;

/* GPT-2's 50,000 merges in rank order, each two little-endian uint16 ids: data/gpt2_merges.bin. */
extern const unsigned char embedded_merges[];
extern const uint32_t embedded_merges_size;

#endif
