/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resample.h - sound at another sample rate. */
#ifndef TN_AUDIO_RESAMPLE_H
#define TN_AUDIO_RESAMPLE_H

#include "audio/wav.h"

/** Band-limited interpolation: every output sample is a windowed sinc over 64 zero crossings of the input, cut off
 * below half of the lower rate. Delay-free; the signal is zero outside. n becomes ceil(n * rate / in->rate). in
 * rates 1..1,000,000 errors   TN_E_INVALID (rate), TN_E_LIMIT, TN_E_NOMEM owns     the caller owns *out: tn_audio_free;
 * it is a copy even when the rates are equal */
tn_status tn_audio_resample(const tn_audio *in, int rate, tn_audio *out);

#endif
