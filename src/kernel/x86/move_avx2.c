/* move_avx2.c - 2-D transposition in registers. */
#include "kernel/move.h"

void tn_move_fill_avx2(tn_move_kernels *k, unsigned cpu) {
    (void)k;
    (void)cpu;
}
