/* AMX's kernel (core/bf16_amx.c) with the tile instructions as C functions, after the pseudocode of
   Intel's manual, for CPUs without AMX. It shows that the kernel loads, multiplies and stores the
   right tiles; it does not show that a CPU executes the instructions so. */
#ifndef TESTS_AMX_STANDIN_H
#define TESTS_AMX_STANDIN_H

#include "core/bf16.h"

#ifdef BF16_KERNELS
extern const Bf16Kernel amx_standin;
#endif

#endif
