/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_arrange.h - which channels share a lane of 16 bits. Where bytes are multiplied into words (AVX2's vpmaddubsw),
 * two products of u8 and s8 are added in 16 bits and saturate unless the weights' sums on either side of zero are at
 * most 128. Channels may be put together as one likes, since each group of weights says which of a block's sixteen it
 * is for; so they are put together such that the sums hold:
 *
 *   single   four channels: lanes hold the first two and the last two
 *   double   eight: lanes hold the first two of both its groups, and the last two; words are added before they become
 *            sums of 32 bits, which is a quarter fewer multiplications
 *
 * What does not fit goes to further groups. All this is exact: a round's groups and what it leaves are the weights. */
#ifndef TN_KERNEL_QCONV_ARRANGE_H
#define TN_KERNEL_QCONV_ARRANGE_H

#include "kernel/qconv.h"

enum { TN_QCOLUMNS = 64 /* of a panel, at most */ };

/** A round's groups: those of doubles, in twos, before those of singles.
 *  pick  which channels of the block the four weights of a column are for; w [column][4] */
typedef struct {
    int doubles, singles;
    uint8_t pick[8][4];
    int8_t w[8][TN_QCOLUMNS][4];
} tn_qround;

/** Takes a round's groups from rest, the weights w' of sixteen channels and `columns` columns: none where all are 0.
 *  Returns whether something is left for another round. */
bool tn_qarrange(int64_t columns, int16_t (*rest)[TN_QCOLUMNS], tn_qround *out);

#endif
