/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image_pnm.c - the portable formats: PBM, PGM and PPM as text (P1 to P3) and binary (P4 to P6), PAM (P7).
 * Source: the manual pages pbm(5), pgm(5), ppm(5), pam(5) of Netpbm. */
#include "vision/codec.h"
#include <string.h>

typedef struct {
    const uint8_t *p, *end;
} source;

static tn_status bad(const char *what) { return tn_fail(TN_E_FORMAT, "PNM: %s", what); }

static bool is_space(int c) { return c == ' ' || (c >= 9 && c <= 13); }

static void skip_space(source *s) {
    while (s->p < s->end && (is_space(*s->p) || *s->p == '#')) {
        if (*s->p == '#')
            while (s->p < s->end && *s->p != '\n') s->p++;
        else
            s->p++;
    }
}

/* A number in decimal; -1: there is none, or it is too large. */
static int64_t number(source *s) {
    int64_t v = 0;
    skip_space(s);
    if (s->p == s->end || *s->p < '0' || *s->p > '9') return -1;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        v = v * 10 + (*s->p - '0');
        if (v > INT32_MAX) return -1;
    }
    return v;
}

typedef struct {
    int64_t width, height, channels, most; /* most: the value of white */
    bool text, bits;                       /* bits: one per sample, 1 is black */
} form;

/* PAM's header: lines of a word and a value, up to ENDHDR. */
static tn_status read_pam(source *s, form *f) {
    f->width = f->height = f->channels = f->most = -1;
    for (;;) {
        static const char *const words[] = { "WIDTH", "HEIGHT", "DEPTH", "MAXVAL" };
        int64_t *const values[] = { &f->width, &f->height, &f->channels, &f->most };
        skip_space(s);
        const uint8_t *word = s->p;
        while (s->p < s->end && !is_space(*s->p)) s->p++;
        size_t n = (size_t)(s->p - word);
        if (!n) return bad("the header ends early");
        if (n == 6 && !memcmp(word, "ENDHDR", 6)) break;
        for (size_t i = 0; i < TN_COUNT(words); i++)
            if (n == strlen(words[i]) && !memcmp(word, words[i], n) && (*values[i] = number(s)) < 0)
                return bad("a number is missing in the header");
        while (s->p < s->end && *s->p != '\n') s->p++; /* of other words (TUPLTYPE) the rest of the line */
    }
    if (f->channels < 1 || f->channels > 4) return tn_fail(TN_E_UNSUPPORTED, "PNM: %d channels", (int)f->channels);
    return TN_OK;
}

static tn_status read_header(source *s, form *f) {
    int kind = s->p[1] - '0';
    s->p += 2;
    if (kind == 7) {
        TN_TRY(read_pam(s, f));
    } else {
        f->text = kind <= 3;
        f->bits = kind == 1 || kind == 4;
        f->channels = kind % 3 == 0 ? 3 : 1;
        f->width = number(s);
        f->height = number(s);
        f->most = f->bits ? 1 : number(s);
    }
    if (f->width < 1 || f->height < 1 || f->most < 1 || f->most > 65535) return bad("the header is damaged");
    if (s->p == s->end || !is_space(*s->p)) return bad("the file ends early");
    s->p++; /* exactly one */
    return TN_OK;
}

/* The next sample, 0 .. 255; -1: there is none. */
static int sample(source *s, const form *f, int64_t x) {
    int64_t v;
    if (f->bits && f->text) { /* digits need no space between them */
        skip_space(s);
        v = s->p < s->end && (*s->p == '0' || *s->p == '1') ? *s->p++ - '0' : -1;
    } else if (f->text) {
        v = number(s);
    } else if (f->bits) { /* every row begins with a byte of its own */
        if (s->p == s->end) return -1;
        v = *s->p >> (7 - x % 8) & 1;
        if (x % 8 == 7 || x == f->width - 1) s->p++;
    } else {
        int bytes = f->most > 255 ? 2 : 1;
        if (s->end - s->p < bytes) return -1;
        v = bytes == 2 ? s->p[0] << 8 | s->p[1] : s->p[0];
        s->p += bytes;
    }
    if (v < 0) return -1;
    if (f->bits) return v ? 0 : 255;
    return (int)(((v < f->most ? v : f->most) * 255 + f->most / 2) / f->most);
}

tn_status tn_pnm_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation) {
    source s = { data, data + bytes };
    form f = { 0 };
    (void)orientation;
    TN_TRY(read_header(&s, &f));
    TN_TRY(tn_codec_alloc("PNM", (uint32_t)f.width, (uint32_t)f.height, 3, max_pixels, bytes, 8, out));
    uint8_t *d = out->px;
    bool color = f.channels >= 3, alpha = f.channels % 2 == 0;
    for (int64_t y = 0; y < f.height; y++)
        for (int64_t x = 0; x < f.width; x++, d += 3) {
            int v[4] = { 0 };
            for (int k = 0; k < f.channels; k++)
                if ((v[k] = sample(&s, &f, x)) < 0) return bad("the file ends early");
            for (int k = 0; k < 3; k++) {
                int c = v[color ? k : 0], a = alpha ? v[f.channels - 1] : 255;
                d[k] = (uint8_t)((c * a + 255 * (255 - a) + 127) / 255);
            }
        }
    return TN_OK;
}
