/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* wav.h - WAV files to mono float samples, and other sample rates. */
#ifndef TN_AUDIO_WAV_H
#define TN_AUDIO_WAV_H

#include "base/status.h"

typedef struct {
    int rate;      /* samples per second */
    size_t n;      /* samples */
    float *sample; /* -1..1 (float files may go beyond) */
} tn_audio;

/** Decodes a RIFF/WAVE or RF64 file held in memory: PCM of 8, 16, 24 or 32 bits, IEEE float of 32 or 64,
 *  plain or WAVE_FORMAT_EXTENSIBLE. Channels are averaged. A data chunk longer than the file (recorders that were cut
 *  off) gives the samples that are there; NaN and infinities become 0.
 *  errors  TN_E_FORMAT (no such file, damaged header), TN_E_UNSUPPORTED (another encoding, named), TN_E_NOMEM
 *  owns    the caller owns *out: tn_audio_free. A file without samples is TN_OK with n = 0.
 *          On error *out is a zeroed value. */
tn_status tn_wav_parse(const void *data, size_t bytes, tn_audio *out);

/** The same for a file; the message names it. errors also TN_E_IO. */
tn_status tn_wav_load(const char *path, tn_audio *out);

/** Writes 16-bit PCM, mono; what is louder than 1 is cut. errors TN_E_LIMIT (over 4 GiB), TN_E_NOMEM, TN_E_IO. */
tn_status tn_wav_save(const tn_audio *a, const char *path);

void tn_audio_free(tn_audio *a); /* a zeroed value is fine; leaves one */

#endif
