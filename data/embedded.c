#include "data/embedded.h"

/* The assembler copies the files in; their paths are relative to the project's root, where the
   compiler runs. */

#define QUOTED(x) #x
#define QUOTE(x) QUOTED(x)
#define SYMBOL(name) QUOTE(__USER_LABEL_PREFIX__) #name

#ifdef __APPLE__ /* Mach-O */
#define READ_ONLY ".section __TEXT,__const\n"
#define END ".text\n"
#else /* ELF */
#define READ_ONLY ".pushsection .rodata, \"a\", %progbits\n"
#define END ".popsection\n"
#endif

#define EMBED(name, path)                               \
  __asm__(READ_ONLY                                     \
          ".globl " SYMBOL(name) "\n"                   \
          ".balign 16\n"                                \
          SYMBOL(name) ":\n"                            \
          "1: .incbin \"" path "\"\n"                   \
          "2: .byte 0\n"                                \
          ".globl " SYMBOL(name##_size) "\n"            \
          ".balign 4\n"                                 \
          SYMBOL(name##_size) ":\n"                     \
          ".long 2b - 1b\n"                             \
          END)

EMBED(embedded_austen, "data/austen.txt.gz");
EMBED(embedded_shakespeare, "data/shakespeare.txt.gz");
EMBED(embedded_merges, "data/gpt2_merges.bin");
