/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sum.c - the checksum of compiled files: four lanes of multiply and rotate, so that it keeps up with memory. Every
 * step can be undone, so that two inputs that differ in one word never agree (the idea: Yann Collet's xxHash). */
#include "format/tnplan/tnplan.h"
#include <string.h>

#define P1 UINT64_C(0x9e3779b185ebca87)
#define P2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define P3 UINT64_C(0x165667b19e3779f9)

static uint64_t turn(uint64_t x, int by) { return x << by | x >> (64 - by); }
static uint64_t take(uint64_t lane, uint64_t word) { return turn(lane + word * P2, 31) * P1; }

uint64_t tn_plan_sum(const void *data, size_t bytes) {
    const char *p = data;
    uint64_t lane[4] = { P1 + P2, P2, 0, P3 }, word[4], sum = bytes * P3;
    for (; bytes >= sizeof word; p += sizeof word, bytes -= sizeof word) {
        memcpy(word, p, sizeof word);
        for (int i = 0; i < 4; i++) lane[i] = take(lane[i], word[i]);
    }
    memset(word, 0, sizeof word);
    if (bytes) memcpy(word, p, bytes);
    for (int i = 0; i < 4; i++) lane[i] = take(lane[i], word[i]);
    for (int i = 0; i < 4; i++) sum = turn(sum ^ lane[i], 27) * P1 + P3;
    sum = (sum ^ sum >> 33) * P2;
    return sum ^ sum >> 29;
}
