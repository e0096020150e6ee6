/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image_jp2.c - JPEG 2000 by OpenJPEG: JP2 files and bare codestreams. */
#include "base/mem.h"
#include "vision/codec.h"
#include <stdio.h>
#include <string.h>

#include <openjpeg.h>

typedef struct {
    const uint8_t *data;
    size_t bytes, at;
    char message[200];
} memory;

static OPJ_SIZE_T on_read(void *to, OPJ_SIZE_T n, void *user) {
    memory *m = user;
    size_t left = m->bytes - m->at;
    if (!left) return (OPJ_SIZE_T)-1;
    if (n > left) n = left;
    memcpy(to, m->data + m->at, n);
    m->at += n;
    return n;
}

static OPJ_OFF_T on_skip(OPJ_OFF_T n, void *user) {
    memory *m = user;
    if (n < 0 || (uint64_t)n > m->bytes - m->at) {
        m->at = m->bytes;
        return -1;
    }
    m->at += (size_t)n;
    return n;
}

static OPJ_BOOL on_seek(OPJ_OFF_T to, void *user) {
    memory *m = user;
    if (to < 0 || (uint64_t)to > m->bytes) return OPJ_FALSE;
    m->at = (size_t)to;
    return OPJ_TRUE;
}

/* The first error is the one that says most. */
static void on_error(const char *what, void *user) {
    memory *m = user;
    if (m->message[0]) return;
    snprintf(m->message, sizeof m->message, "%s", what);
    m->message[strcspn(m->message, "\n")] = 0;
}

static void on_warning(const char *what, void *user) { (void)what, (void)user; }

/* Sample (x, y) of a component, which may be coarser than the picture, as 0 .. 255. */
static int sample(const opj_image_comp_t *c, uint32_t x, uint32_t y) {
    uint32_t cx = x / c->dx < c->w ? x / c->dx : c->w - 1, cy = y / c->dy < c->h ? y / c->dy : c->h - 1;
    int64_t v = c->data[(size_t)cy * c->w + cx], most = ((int64_t)1 << c->prec) - 1;
    if (c->sgnd) v += (int64_t)1 << (c->prec - 1);
    v = v < 0 ? 0 : v > most ? most : v;
    return (int)((v * 255 + most / 2) / most);
}

static int clamp(double v) { return v < 0 ? 0 : v > 255 ? 255 : (int)(v + 0.5); }

static void ycc_to_rgb(int *v) {
    double y = v[0], cb = v[1] - 128, cr = v[2] - 128;
    v[0] = clamp(y + 1.402 * cr), v[1] = clamp(y - 0.344136 * cb - 0.714136 * cr), v[2] = clamp(y + 1.772 * cb);
}

static tn_status check(const opj_image_t *im) {
    if (im->numcomps < 1 || im->numcomps > 4)
        return tn_fail(TN_E_UNSUPPORTED, "JPEG 2000: %u components", im->numcomps);
    for (uint32_t i = 0; i < im->numcomps; i++) {
        const opj_image_comp_t *c = &im->comps[i];
        if (!c->dx || !c->dy || c->prec < 1 || c->prec > 31)
            return tn_fail(TN_E_UNSUPPORTED, "JPEG 2000: component %u has %u bits", i, c->prec);
    }
    return TN_OK;
}

static tn_status to_rgb(const opj_image_t *im, tn_image *out) {
    const opj_image_comp_t *c = im->comps;
    uint32_t n = im->numcomps;
    TN_TRY(check(im)); /* a palette may have changed it */
    for (uint32_t i = 0; i < n; i++)
        if (!c[i].data || !c[i].w || !c[i].h) return tn_fail(TN_E_FORMAT, "JPEG 2000: a component has no samples");
    bool color = n >= 3, alpha = n == 2 || n == 4,
         ycc = color && (im->color_space == OPJ_CLRSPC_SYCC || im->color_space == OPJ_CLRSPC_EYCC),
         cmyk = n == 4 && im->color_space == OPJ_CLRSPC_CMYK;
    uint8_t *d = out->px;
    for (uint32_t y = 0; y < (uint32_t)out->height; y++)
        for (uint32_t x = 0; x < (uint32_t)out->width; x++, d += 3) {
            int v[4] = { 0 };
            for (uint32_t k = 0; k < n; k++) v[k] = sample(&c[k], x, y);
            if (!color) v[3] = v[1], v[1] = v[2] = v[0];
            if (ycc) ycc_to_rgb(v);
            for (int k = 0; k < 3; k++) {
                int over = v[k] * v[3] + 255 * (255 - v[3]), ink = (255 - v[k]) * (255 - v[3]);
                d[k] = (uint8_t)(cmyk ? (ink + 127) / 255 : alpha ? (over + 127) / 255 : v[k]);
            }
        }
    return TN_OK;
}

static tn_status decode(memory *m, opj_codec_t *codec, opj_stream_t *s, size_t max_pixels, opj_image_t **im,
                        tn_image *out) {
    opj_dparameters_t p;
    opj_set_default_decoder_parameters(&p);
    opj_set_error_handler(codec, on_error, m);
    opj_set_warning_handler(codec, on_warning, m);
    opj_set_info_handler(codec, on_warning, m);
    if (!opj_setup_decoder(codec, &p) || !opj_decoder_set_strict_mode(codec, OPJ_TRUE) ||
        !opj_read_header(s, codec, im))
        return tn_fail(TN_E_FORMAT, "JPEG 2000: %s", m->message[0] ? m->message : "the header is damaged");
    if ((*im)->x1 <= (*im)->x0 || (*im)->y1 <= (*im)->y0) return tn_fail(TN_E_FORMAT, "JPEG 2000: no pixels");
    TN_TRY(check(*im));
    /* a code-block of 4096 samples may be missing at the cost of a few bits: only the limit bounds the size */
    TN_TRY(tn_codec_alloc("JPEG 2000", (*im)->x1 - (*im)->x0, (*im)->y1 - (*im)->y0, 3, max_pixels, m->bytes, 0, out));
    if (!opj_decode(codec, s, *im) || !opj_end_decompress(codec, s))
        return tn_fail(TN_E_FORMAT, "JPEG 2000: %s", m->message[0] ? m->message : "the data is damaged");
    return to_rgb(*im, out);
}

tn_status tn_jp2_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation) {
    memory m = { .data = data, .bytes = bytes };
    opj_codec_t *codec = opj_create_decompress(data[0] ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
    opj_stream_t *s = opj_stream_create(1 << 16, OPJ_TRUE);
    opj_image_t *im = NULL;
    tn_status st = codec && s ? TN_OK : tn_fail(TN_E_NOMEM, "JPEG 2000: decoder");
    (void)orientation;
    if (st == TN_OK) {
        opj_stream_set_read_function(s, on_read);
        opj_stream_set_skip_function(s, on_skip);
        opj_stream_set_seek_function(s, on_seek);
        opj_stream_set_user_data(s, &m, NULL);
        opj_stream_set_user_data_length(s, bytes);
        st = decode(&m, codec, s, max_pixels, &im, out);
    }
    if (im) opj_image_destroy(im);
    if (s) opj_stream_destroy(s);
    if (codec) opj_destroy_codec(codec);
    return st;
}
