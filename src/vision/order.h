/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* order.h - the order in which a person would read boxes of text. */
#ifndef TN_VISION_ORDER_H
#define TN_VISION_ORDER_H

#include "vision/geometry.h"

/** Reading order of lines of text: rows from top to bottom, left to right within a row; text set in columns (several
 *  long lines above each other, a clear gap between) is read column by column, a table row by row.
 *  as_read  one quad per line with its corners as the *text* has them: p0 is where reading begins, p0-p1 the direction
 * of writing. The page may lie at any angle; the lines' majority says which order    n entries: the line to read first,
 * second, ... errors   TN_E_NOMEM */
tn_status tn_reading_order(const tn_quad *as_read, size_t n, size_t *order);

#endif
