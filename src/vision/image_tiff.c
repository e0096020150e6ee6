/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image_tiff.c - TIFF by libtiff: the first picture of the file, in whatever form libtiff turns into RGBA. */
#include "base/mem.h"
#include "base/number.h"
#include "vision/codec.h"
#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#define MAX_ONE_ALLOCATION ((tmsize_t)1 << 30) /* of libtiff itself */

typedef struct {
    const uint8_t *data;
    uint64_t bytes, at;
    char message[1024]; /* as long as TIFFRGBAImageBegin wants it */
} memory;

static tmsize_t on_read(thandle_t h, void *to, tmsize_t n) {
    memory *m = h;
    uint64_t left = m->at < m->bytes ? m->bytes - m->at : 0;
    if (n < 0) return 0;
    if ((uint64_t)n > left) n = (tmsize_t)left;
    if (n) memcpy(to, m->data + m->at, (size_t)n);
    m->at += (uint64_t)n;
    return n;
}

static tmsize_t on_write(thandle_t h, void *from, tmsize_t n) {
    (void)h, (void)from, (void)n;
    return 0;
}

static toff_t on_seek(thandle_t h, toff_t to, int whence) {
    memory *m = h;
    m->at = whence == SEEK_SET ? to : whence == SEEK_CUR ? m->at + to : m->bytes + to;
    return m->at;
}

static int on_close(thandle_t h) {
    (void)h;
    return 0;
}

static toff_t on_size(thandle_t h) { return ((memory *)h)->bytes; }

/* The first error is the one that says most. */
static int on_error(TIFF *t, void *user, const char *module, const char *fmt, va_list ap) {
    memory *m = user;
    (void)t, (void)module;
    if (!m->message[0]) tn_vsnprintf(m->message, sizeof m->message, fmt, ap);
    return 1;
}

static int on_warning(TIFF *t, void *user, const char *module, const char *fmt, va_list ap) {
    (void)t, (void)user, (void)module, (void)fmt, (void)ap;
    return 1; /* private tags and the like */
}

static TIFF *open_memory(memory *m) {
    TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
    if (!o) return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(o, MAX_ONE_ALLOCATION);
    TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, m);
    TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, m);
    TIFF *t = TIFFClientOpenExt("picture", "rm", m, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, o);
    TIFFOpenOptionsFree(o);
    return t;
}

/* libtiff gives 32-bit words with red lowest, and colours already multiplied by alpha. */
static void to_rgb(tn_image *im) {
    size_t n = (size_t)im->width * (size_t)im->height;
    uint8_t *d = im->px;
    for (size_t i = 0; i < n; i++, d += 3) {
        uint32_t v;
        memcpy(&v, im->px + 4 * i, sizeof v);
        unsigned white = 255 - TIFFGetA(v), c[3] = { TIFFGetR(v), TIFFGetG(v), TIFFGetB(v) };
        for (int k = 0; k < 3; k++) d[k] = (uint8_t)(c[k] + white > 255 ? 255 : c[k] + white);
    }
}

tn_status tn_tiff_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation) {
    memory m = { .data = data, .bytes = bytes };
    TIFFRGBAImage reader;
    TIFF *t = open_memory(&m);
    if (!t) return tn_fail(TN_E_FORMAT, "TIFF: %s", m.message[0] ? m.message : "cannot be opened");
    if (!TIFFRGBAImageBegin(&reader, t, 1, m.message)) {
        TIFFClose(t);
        return tn_fail(TN_E_FORMAT, "TIFF: %s", m.message[0] ? m.message : "cannot be decoded");
    }
    tn_status st = tn_codec_alloc("TIFF", reader.width, reader.height, 4, max_pixels, bytes, 0, out);
    if (st == TN_OK) {
        uint16_t stored = 1;
        TIFFGetFieldDefaulted(t, TIFFTAG_ORIENTATION, &stored);
        reader.req_orientation = reader.orientation; /* rows stay as they are stored */
        memset(out->px, 0xff, (size_t)reader.width * reader.height * 4);
        if (!TIFFRGBAImageGet(&reader, (uint32_t *)(void *)out->px, reader.width, reader.height))
            st = tn_fail(TN_E_FORMAT, "TIFF: %s", m.message[0] ? m.message : "cannot be decoded");
        *orientation = stored;
    }
    TIFFRGBAImageEnd(&reader);
    TIFFClose(t);
    if (st == TN_OK) to_rgb(out);
    return st;
}
