/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* WAV files of every encoding, odd chunks, damaged headers. */
#include "audio/wav.h"
#include "test.h"
#include <math.h>

typedef struct {
    uint8_t b[4096];
    size_t n;
} file;

static void put(file *f, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++) f->b[f->n++] = (uint8_t)(v >> 8 * i);
}
static void tag(file *f, const char *s) { memcpy(f->b + f->n, s, 4), f->n += 4; }

/* Header for `frames` frames; the samples follow. */
static file header(unsigned format, unsigned channels, unsigned bits, unsigned frames, bool extensible) {
    file f = { .n = 0 };
    unsigned frame = channels * bits / 8;
    tag(&f, "RIFF"), put(&f, 0, 4), tag(&f, "WAVE");
    tag(&f, "LIST"), put(&f, 3, 4), put(&f, 0x616161, 4); /* an odd chunk and its padding */
    tag(&f, "fmt "), put(&f, extensible ? 40 : 16, 4);
    put(&f, extensible ? 0xfffe : format, 2), put(&f, channels, 2), put(&f, 16000, 4), put(&f, 16000 * frame, 4);
    put(&f, frame, 2), put(&f, bits, 2);
    if (extensible) {
        put(&f, 22, 2), put(&f, bits, 2), put(&f, 3, 4), put(&f, format, 2);
        for (int i = 0; i < 14; i++) put(&f, (uint64_t)i, 1);
    }
    tag(&f, "data"), put(&f, frames * frame, 4);
    return f;
}

static void put_sample(file *f, unsigned format, unsigned bits, double v) {
    float v32 = (float)v;
    uint32_t u32;
    uint64_t u64;
    memcpy(&u32, &v32, 4), memcpy(&u64, &v, 8);
    if (format == 3)
        put(f, bits == 32 ? u32 : u64, (int)bits / 8);
    else if (bits == 8)
        put(f, (uint64_t)lround(v * 128 + 128), 1);
    else
        put(f, (uint64_t)llround(v * ldexp(1, (int)bits - 1)), (int)bits / 8);
}

static void encodings(void **state) {
    static const struct {
        unsigned format, bits;
    } e[] = { { 1, 8 }, { 1, 16 }, { 1, 24 }, { 1, 32 }, { 3, 32 }, { 3, 64 } };
    static const double v[3][4] = { { 0.5, -0.5, 0.25, 0 }, { -1, 0.125, -0.75, 0.25 }, { 0, 0, 0.5, -0.5 } };
    for (size_t k = 0; k < TN_COUNT(e); k++)
        for (unsigned channels = 1; channels <= 4; channels++)
            for (int extensible = 0; extensible < 2; extensible++) {
                file f = header(e[k].format, channels, e[k].bits, 3, extensible);
                for (int i = 0; i < 3; i++)
                    for (unsigned c = 0; c < channels; c++) put_sample(&f, e[k].format, e[k].bits, v[i][c]);
                tn_audio a;
                check_ok(tn_wav_parse(f.b, f.n, &a));
                assert_int_equal(a.rate, 16000);
                assert_int_equal(a.n, 3);
                for (int i = 0; i < 3; i++) {
                    double want = 0;
                    for (unsigned c = 0; c < channels; c++) want += v[i][c] / channels;
                    check(fabs(a.sample[i] - want) < 1e-6, "format %u of %u bits: %g, expected %g\n", e[k].format,
                          e[k].bits, a.sample[i], want);
                }
                tn_audio_free(&a);
            }
}

static void lengths(void **state) {
    tn_audio a;
    file f = header(1, 1, 16, 1000000, false); /* cut off: three samples and a half are there */
    for (int i = 0; i < 3; i++) put_sample(&f, 1, 16, 0.5);
    put(&f, 0, 1);
    check_ok(tn_wav_parse(f.b, f.n, &a));
    assert_int_equal(a.n, 3);
    tn_audio_free(&a);
    f = header(1, 1, 16, 0, false);
    check_ok(tn_wav_parse(f.b, f.n, &a));
    assert_int_equal(a.n, 0);
    tn_audio_free(&a);
    f = header(3, 1, 32, 2, false); /* no number, and infinity */
    put(&f, 0x7fc00000, 4), put(&f, 0x7f800000, 4);
    check_ok(tn_wav_parse(f.b, f.n, &a));
    assert_true(a.sample[0] == 0 && a.sample[1] == 0);
    tn_audio_free(&a);
}

static void refused(void **state) {
    tn_audio a;
    check_fails(tn_wav_parse("RIFX", 4, &a), TN_E_FORMAT, "not a WAV");
    file f = header(6, 1, 8, 1, false);
    check_fails(tn_wav_parse(f.b, f.n, &a), TN_E_UNSUPPORTED, "encoding 6");
    f = header(1, 1, 12, 1, false);
    check_fails(tn_wav_parse(f.b, f.n, &a), TN_E_UNSUPPORTED, "12 bits");
    f = header(1, 0, 16, 1, false);
    check_fails(tn_wav_parse(f.b, f.n, &a), TN_E_FORMAT, "0 channels");
    f = header(1, 2, 16, 1, false);
    f.b[24 + 20]++; /* bytes per frame */
    check_fails(tn_wav_parse(f.b, f.n, &a), TN_E_FORMAT, "per frame");
    f = header(1, 2, 16, 1, false);
    memcpy(f.b + 24, "junk", 4);
    check_fails(tn_wav_parse(f.b, f.n, &a), TN_E_FORMAT, "before any format");
    check_fails(tn_wav_load("/nowhere.wav", &a), TN_E_IO, "/nowhere.wav");
}

static void damaged(void **state) {
    uint64_t seed = 11;
    tn_audio a;
    for (int extensible = 0; extensible < 2; extensible++) {
        file f = header(1, 2, 24, 20, extensible);
        for (int i = 0; i < 40; i++) put_sample(&f, 1, 24, 0.1 * (i % 7));
        for (size_t n = 0; n <= f.n; n++) {
            uint8_t *copy = malloc(n + 1);
            memcpy(copy, f.b, n);
            if (tn_wav_parse(copy, n, &a) == TN_OK) tn_audio_free(&a);
            free(copy);
        }
        for (int round = 0; round < 20000; round++) {
            file g = f;
            g.b[test_random(&seed) % 100] = (uint8_t)test_random(&seed);
            if (tn_wav_parse(g.b, g.n, &a) == TN_OK) tn_audio_free(&a);
        }
    }
}

static void saved(void **state) {
    const char *path = "test_saved.wav";
    float v[5] = { 0, 0.5f, -1, 7, -0.25f };
    tn_audio a = { 8000, 5, v }, b;
    check_ok(tn_wav_save(&a, path));
    check_ok(tn_wav_load(path, &b));
    assert_true(b.rate == 8000 && b.n == 5);
    v[3] = 1;
    for (int i = 0; i < 5; i++) assert_true(fabsf(b.sample[i] - v[i]) < 1e-4f);
    tn_audio_free(&b);
    remove(path);
    check_fails(tn_wav_save(&a, "/nowhere/x.wav"), TN_E_IO, "/nowhere");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(encodings), cmocka_unit_test(lengths),
                                        cmocka_unit_test(refused), cmocka_unit_test(damaged), cmocka_unit_test(saved) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
