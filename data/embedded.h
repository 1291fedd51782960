/* Two files compiled into the program, so that it needs none beside it. */
#ifndef DATA_EMBEDDED_H
#define DATA_EMBEDDED_H

/* Six novels by Jane Austen, gzipped: data/austen.txt.gz. */
extern const unsigned char embedded_austen[], embedded_austen_end[];

/* GPT-2's 50,000 merges in rank order, each two little-endian uint16 ids: data/gpt2_merges.bin. */
extern const unsigned char embedded_merges[], embedded_merges_end[];

#endif
