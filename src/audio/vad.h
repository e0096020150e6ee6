/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vad.h - where somebody speaks: the Silero VAD network (v5), chunk by chunk, and segments from its probabilities.
 *
 * The network carries a state from chunk to chunk, so a detector belongs to one stream; live sound can be pushed as it
 * comes. */
#ifndef TN_AUDIO_VAD_H
#define TN_AUDIO_VAD_H

#include "audio/wav.h"

typedef struct tn_vad tn_vad;

/** Opens the model for 8,000 or 16,000 samples per second.
 *  threads  as tn_session_opts; one is plenty for so small a network
 *  errors   those of tn_model_open, TN_E_INVALID (rate), TN_E_SHAPE (not this model). The caller owns *out. */
tn_status tn_vad_open(const char *model_path, int rate, int threads, tn_vad **out);
void tn_vad_close(tn_vad **v);

void tn_vad_reset(tn_vad *v);         /* silence before: ready for another stream */
size_t tn_vad_chunk(const tn_vad *v); /* samples per chunk: 512 at 16 kHz, 256 at 8 kHz (32 ms) */
int tn_vad_rate(const tn_vad *v);

/** The next tn_vad_chunk() samples; *prob: the probability of speech in them. */
tn_status tn_vad_push(tn_vad *v, const float *chunk, float *prob);

/** Resets, then pushes a whole recording at the detector's rate; the last chunk is filled up with zeros.
 *  prob      (n + chunk - 1) / chunk entries
 *  progress  called now and then with samples done; false stops with TN_E_CANCELLED. May be NULL */
tn_status tn_vad_run(tn_vad *v, const float *sample, size_t n, float *prob, bool (*progress)(void *user, size_t done),
                     void *user);

typedef struct {
    size_t size;         /* sizeof(tn_vad_opts) */
    float threshold;     /* a chunk at least this probable begins speech; 0: 0.5 */
    float neg_threshold; /* below it speech may end; 0: threshold - 0.15, at least 0.01 */
    int min_speech_ms;   /* shorter segments are dropped; 0: 250; < 0: none */
    int min_silence_ms;  /* shorter pauses do not end a segment; 0: 100; < 0: every pause does */
    int speech_pad_ms;   /* added at both ends, half the pause where that is less; 0: 30; < 0: nothing */
    double max_speech_s; /* longer segments are cut, at their last pause of 98 ms where there is one; 0: no limit */
} tn_vad_opts;

typedef struct {
    size_t start, end; /* samples; end exclusive */
} tn_vad_segment;

/** Segments of speech from the probabilities of consecutive chunks.
 *  samples  length of the recording; segments never pass it
 *  errors   TN_E_NOMEM, TN_E_INVALID. *out (NULL when *n_out is 0) is the caller's: tn_mem_free */
tn_status tn_vad_segments(const float *prob, size_t n, size_t chunk, int rate, size_t samples, const tn_vad_opts *opts,
                          tn_vad_segment **out, size_t *n_out);

#endif
