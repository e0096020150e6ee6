/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image.c - ImageDecoder: calls the decoder that the application has set, and orders the channels. */
#include "base/log.h"
#include "op/core/grad.h"
#include "op/core/op.h"
#include <string.h>

static tn_image_decoder the_decoder;
static void *the_user;

void tn_set_image_decoder(tn_image_decoder decoder, void *user) {
    the_decoder = decoder;
    the_user = user;
}

enum { RGB, BGR, GRAYSCALE }; /* in the order of the words */
typedef struct {
    int pixel_format;
} settings;

static int channels_of(const settings *a) { return a->pixel_format == GRAYSCALE ? 1 : 3; }

static tn_status infer(tn_infer *c) {
    tn_dim dims[3] = { TN_DIM_UNKNOWN, TN_DIM_UNKNOWN, channels_of(c->attrs) };
    int rank = tn_infer_rank(c, 0);
    if (rank >= 0 && rank != 1)
        return tn_infer_fail(c, TN_E_SHAPE, "the stream has %d dimensions; one is needed", rank);
    tn_infer_out(c, 0, TN_U8, 3, dims);
    return TN_OK;
}

/* Gray by ITU-R BT.601 in 16 bits: the three weights add up to 1, so gray pictures stay what they are. */
static void order(const uint8_t *rgb, uint8_t *y, int64_t n, bool gray, bool bgr) {
    if (!gray && !bgr) {
        memcpy(y, rgb, (size_t)n * 3);
        return;
    }
    for (int64_t i = 0; i < n; i++, rgb += 3) {
        if (gray)
            y[i] = (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 0x8000u) >> 16);
        else
            for (int k = 0; k < 3; k++) y[3 * i + k] = rgb[2 - k];
    }
}

/* What cannot be decoded gives an empty picture, as the specification has it; a missing decoder is an error. */
static tn_status run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    bool gray = channels_of(r->attrs) == 1, bgr = ((const settings *)r->attrs)->pixel_format == BGR;
    tn_tensor *rgb = NULL;
    if (!the_decoder) return tn_op_fail(r->node, TN_E_UNSUPPORTED, "no picture decoder is set (tn_set_image_decoder)");
    tn_status st = the_decoder(the_user, x->data, (size_t)tn_count(x), &rgb);
    if (st == TN_E_NOMEM) return tn_fail_at(st, "%s", tn_node_where(r->node));
    bool good = st == TN_OK && rgb && rgb->dtype == TN_U8 && rgb->rank == 3 && rgb->dims[2] == 3;
    if (!good) tn_log(TN_LOG_INFO, "%s: %s", tn_node_where(r->node), st == TN_OK ? "no RGB picture" : tn_error());
    int64_t dims[3] = { good ? rgb->dims[0] : 0, good ? rgb->dims[1] : 0, gray ? 1 : 3 };
    st = tn_run_alloc(r, 0, TN_U8, 3, dims);
    if (st == TN_OK && dims[0] > 0 && dims[1] > 0) order(rgb->data, tn_out(r, 0)->data, dims[0] * dims[1], gray, bgr);
    tn_tensor_free(&rgb);
    return st;
}

static const tn_port in[] = { { "encoded_stream", tn_dtype_bit(TN_U8), 0 }, { 0 } };
static const tn_port out[] = { { "image", tn_dtype_bit(TN_U8), 0 }, { 0 } };
static const tn_attr_spec attrs[] = { { TN_WORD(settings, pixel_format, "RGB|BGR|Grayscale", "RGB") }, { 0 } };

const tn_op tn_ops_image[] = {
    { .name = "ImageDecoder",
      .since = 20,
      .flags = TN_OP_DYNAMIC,
      .in = in,
      .out = out,
      TN_ATTRS(attrs, settings),
      .infer = infer,
      .run = run,
      .grad = tn_grad_none,
      .doc = "the pixels of a picture file" },
    { 0 },
};
