/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* wav.c - reads WAV files. A file is a RIFF tree of chunks: id (4), length (4), payload padded to even; "fmt " says how
 * the samples in "data" are written. All numbers are little-endian. */
#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

#define MAX_CHANNELS 1024
#define MAX_RATE     1000000

enum { FORMAT_PCM = 1, FORMAT_FLOAT = 3, FORMAT_EXTENSIBLE = 0xfffe };

static uint32_t le(const uint8_t *p, int bytes) {
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint32_t)p[i] << 8 * i;
    return v;
}

static float pcm8(const uint8_t *p) { return (float)((int)p[0] - 128) / 128; }
static float pcm16(const uint8_t *p) { return (float)(int16_t)le(p, 2) / 32768; }
static float pcm24(const uint8_t *p) { return (float)((int32_t)(le(p, 3) << 8) >> 8) / 8388608; }
static float pcm32(const uint8_t *p) { return (float)((double)(int32_t)le(p, 4) / 2147483648.0); }

static float float32(const uint8_t *p) {
    uint32_t u = le(p, 4);
    float v;
    memcpy(&v, &u, sizeof v);
    return v;
}

static float float64(const uint8_t *p) {
    uint64_t u = (uint64_t)le(p + 4, 4) << 32 | le(p, 4);
    double v;
    memcpy(&v, &u, sizeof v);
    return (float)v;
}

static const struct {
    unsigned format, bits;
    float (*read)(const uint8_t *p);
} encodings[] = {
    { FORMAT_PCM, 8, pcm8 },   { FORMAT_PCM, 16, pcm16 },     { FORMAT_PCM, 24, pcm24 },
    { FORMAT_PCM, 32, pcm32 }, { FORMAT_FLOAT, 32, float32 }, { FORMAT_FLOAT, 64, float64 },
};

typedef struct {
    unsigned format, channels, rate, frame, bits;
    float (*read)(const uint8_t *p);
} wav_format;

static tn_status read_format(const uint8_t *p, size_t n, wav_format *f) {
    if (n < 16) return tn_fail(TN_E_FORMAT, "WAV: a format chunk of %zu bytes, at least 16 are needed", n);
    *f = (wav_format){ le(p, 2), le(p + 2, 2), le(p + 4, 4), le(p + 12, 2), le(p + 14, 2), NULL };
    if (f->format == FORMAT_EXTENSIBLE) { /* the real format begins the 16-byte id at 24 */
        if (n < 40) return tn_fail(TN_E_FORMAT, "WAV: an extensible format chunk of %zu bytes, 40 are needed", n);
        f->format = le(p + 24, 2);
    }
    if (f->channels < 1 || f->channels > MAX_CHANNELS) return tn_fail(TN_E_FORMAT, "WAV: %u channels", f->channels);
    if (f->rate < 1 || f->rate > MAX_RATE) return tn_fail(TN_E_FORMAT, "WAV: %u samples per second", f->rate);
    for (size_t i = 0; i < TN_COUNT(encodings) && !f->read; i++)
        if (encodings[i].format == f->format && encodings[i].bits == f->bits) f->read = encodings[i].read;
    if (!f->read)
        return tn_fail(TN_E_UNSUPPORTED,
                       "WAV: encoding %u with %u bits; PCM of 8, 16, 24, 32 and float of 32, 64 are read", f->format,
                       f->bits);
    if (f->frame != f->channels * (f->bits / 8))
        return tn_fail(TN_E_FORMAT, "WAV: %u bytes per frame, but %u channels of %u bits", f->frame, f->channels,
                       f->bits);
    return TN_OK;
}

static tn_status read_samples(const uint8_t *p, size_t n, const wav_format *f, tn_audio *out) {
    size_t frames = n / f->frame;
    if (frames > 0 && !(out->sample = tn_mem_alloc(frames * sizeof(float), TN_MEM_IO)))
        return tn_fail(TN_E_NOMEM, "WAV: %zu samples", frames);
    out->rate = (int)f->rate;
    out->n = frames;
    size_t width = f->bits / 8;
    for (size_t i = 0; i < out->n; i++) {
        double sum = 0;
        for (unsigned c = 0; c < f->channels; c++, p += width) sum += f->read(p);
        float v = (float)(sum / f->channels);
        out->sample[i] = isfinite(v) ? v : 0;
    }
    return TN_OK;
}

tn_status tn_wav_parse(const void *data, size_t bytes, tn_audio *out) {
    const uint8_t *p = data;
    wav_format f = { 0 };
    *out = (tn_audio){ 0 };
    if (bytes < 12 || (memcmp(p, "RIFF", 4) != 0 && memcmp(p, "RF64", 4) != 0) || memcmp(p + 8, "WAVE", 4) != 0)
        return tn_fail(TN_E_FORMAT, "not a WAV file (no RIFF....WAVE at the beginning)");
    for (size_t at = 12; bytes - at >= 8;) {
        size_t len = le(p + at + 4, 4), left = bytes - at - 8;
        const uint8_t *body = p + at + 8;
        if (memcmp(p + at, "data", 4) == 0) {
            if (!f.read) return tn_fail(TN_E_FORMAT, "WAV: samples at offset %zu before any format", at);
            return read_samples(body, len < left ? len : left, &f, out);
        }
        if (len > left) break;
        if (memcmp(p + at, "fmt ", 4) == 0) TN_TRY(read_format(body, len, &f));
        at += 8 + len;
        if (len & 1 && at < bytes) at++;
    }
    return tn_fail(TN_E_FORMAT, "WAV: the file ends before its samples");
}

tn_status tn_wav_load(const char *path, tn_audio *out) {
    tn_file *f = NULL;
    *out = (tn_audio){ 0 };
    TN_TRY(tn_file_map(path, &f));
    tn_status st = tn_wav_parse(f->data, f->size, out);
    if (st != TN_OK) tn_fail_at(st, "%s", path);
    tn_file_close(&f);
    return st;
}

static uint8_t *put_le(uint8_t *p, uint32_t v, int bytes) {
    for (; bytes > 0; bytes--, v >>= 8) *p++ = (uint8_t)v;
    return p;
}

tn_status tn_wav_save(const tn_audio *a, const char *path) {
    enum { HEADER = 44 };
    if (a->n > (UINT32_MAX - HEADER) / 2) return tn_fail(TN_E_LIMIT, "%s: %zu samples are too many", path, a->n);
    size_t bytes = HEADER + 2 * a->n;
    uint8_t *file = tn_mem_alloc(bytes, TN_MEM_IO), *p = file;
    if (!file) return tn_fail(TN_E_NOMEM, "WAV of %zu samples", a->n);
    memcpy(p, "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0", 24);
    put_le(p + 4, (uint32_t)bytes - 8, 4);
    p = put_le(p + 24, (uint32_t)a->rate, 4);
    p = put_le(p, 2 * (uint32_t)a->rate, 4);
    p = put_le(p, 2 | 16 << 16, 4); /* bytes per frame, bits */
    memcpy(p, "data", 4);
    p = put_le(p + 4, (uint32_t)(2 * a->n), 4);
    for (size_t i = 0; i < a->n; i++) {
        float v = fminf(fmaxf(a->sample[i], -1), 1);
        p = put_le(p, (uint32_t)lrintf(v * 32767), 2);
    }
    tn_status st = tn_file_write(path, file, bytes);
    tn_mem_free(file);
    return st;
}

void tn_audio_free(tn_audio *a) {
    tn_mem_free(a->sample);
    *a = (tn_audio){ 0 };
}
