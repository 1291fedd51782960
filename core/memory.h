/* Memory in small amounts. When there is none left, these end the program with a sentence and exit
   code 1, so that no caller has to check. What is large (matrices, texts, arenas) is not taken
   here: its size depends on the user, who gets an error that says what to change. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stddef.h>

/* Room for `count` things of `size` bytes, all zero. */
void *memory_take(size_t count, size_t size);

/* The same memory with room for `count` things; what is new is not zero. */
void *memory_grow(void *memory, size_t count, size_t size);

/* Work memory of a thread (core/threads.h: thread_number), kept until the program ends: at least
   `bytes`, aligned to a page, on huge pages where the system has them, with any contents. Each slot
   is another piece; a larger request replaces it. */
enum { WORK_SLOTS = 2 };
void *memory_work(int thread, int slot, size_t bytes);

/* A copy of a text. */
char *memory_text(const char *text);

#endif
