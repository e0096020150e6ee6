/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* annotate.h - a picture of what was read: the original with its boxes at the left, the text at its places at the
 * right. */
#ifndef TN_VISION_ANNOTATE_H
#define TN_VISION_ANNOTATE_H

#include "vision/ocr.h"

/** Draws the two halves side by side. Where the system has no font, lines are numbered instead, in reading order.
 *  errors  TN_E_LIMIT, TN_E_NOMEM. The caller owns *out. */
tn_status tn_ocr_annotate(const tn_image *im, const tn_ocr_page *page, tn_image *out);

#endif
