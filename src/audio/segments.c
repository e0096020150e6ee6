/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* segments.c - probabilities of speech per chunk to segments, with hysteresis: one threshold to begin, a lower one to
 * end, and only after enough silence. The rules are those of Silero's own get_speech_timestamps, so that thresholds
 * tuned there mean the same here. */
#include "audio/vad.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

#define SHORT_PAUSE_MS 98 /* long enough to cut an overlong segment at */

/* All lengths in samples. */
typedef struct {
    float begin, end;
    double min_speech, min_silence, short_pause, max_speech;
    size_t pad;
} rules;

static double samples_of(int ms, int fallback, int rate) {
    if (ms == 0) ms = fallback;
    return ms < 0 ? 0 : (double)ms * rate / 1000;
}

static rules make_rules(const tn_vad_opts *given, int rate, size_t chunk) {
    tn_vad_opts o = { 0 };
    if (given) memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    rules r = { .begin = o.threshold > 0 ? o.threshold : 0.5f };
    r.end = o.neg_threshold > 0 ? o.neg_threshold : fmaxf(r.begin - 0.15f, 0.01f);
    r.min_speech = samples_of(o.min_speech_ms, 250, rate);
    r.min_silence = samples_of(o.min_silence_ms, 100, rate);
    r.short_pause = samples_of(SHORT_PAUSE_MS, 0, rate);
    r.pad = (size_t)samples_of(o.speech_pad_ms, 30, rate);
    r.max_speech = o.max_speech_s > 0 ? o.max_speech_s * rate - (double)chunk - 2 * (double)r.pad : INFINITY;
    return r;
}

/* The state between chunks. A pause that has begun is `pause`; the last one worth cutting at is cut_end .. cut_next. */
typedef struct {
    const rules *r;
    tn_vad_segment *seg;
    size_t n, start;
    bool speaking, pausing, can_cut;
    size_t pause, cut_end, cut_next;
} machine;

static void emit(machine *m, size_t start, size_t end) { m->seg[m->n++] = (tn_vad_segment){ start, end }; }

static void stop(machine *m) { m->speaking = m->pausing = m->can_cut = false; }

/* The segment is too long: it ends at its last pause, or right here. Returns whether the chunk is used up. */
static bool cut_overlong(machine *m, size_t now) {
    if (!m->can_cut) {
        emit(m, m->start, now);
        stop(m);
        return true;
    }
    emit(m, m->start, m->cut_end);
    bool goes_on = m->cut_next >= m->cut_end && m->cut_next > 0; /* speech was heard again after that pause */
    size_t next = m->cut_next;
    stop(m);
    if (goes_on) m->speaking = true, m->start = next;
    return false;
}

static void step(machine *m, float p, size_t now) {
    const rules *r = m->r;
    if (p >= r->begin && m->pausing) {
        m->pausing = false;
        if (m->can_cut && m->cut_next < m->cut_end) m->cut_next = now;
    }
    if (p >= r->begin && !m->speaking) {
        stop(m);
        m->speaking = true, m->start = now;
        return;
    }
    if (!m->speaking) return;
    if ((double)(now - m->start) > r->max_speech && cut_overlong(m, now)) return;
    if (!m->speaking || p >= r->end) return;
    if (!m->pausing) m->pausing = true, m->pause = now;
    if ((double)(now - m->pause) > r->short_pause) m->can_cut = true, m->cut_end = m->pause, m->cut_next = 0;
    if ((double)(now - m->pause) < r->min_silence) return;
    if ((double)(m->pause - m->start) > r->min_speech) emit(m, m->start, m->pause);
    stop(m);
}

static void pad(tn_vad_segment *s, size_t n, size_t by, size_t samples) {
    for (size_t i = 0; i < n; i++) {
        if (i == 0) s[i].start = s[i].start > by ? s[i].start - by : 0;
        size_t room = i + 1 < n ? s[i + 1].start - s[i].end : samples - s[i].end;
        if (i + 1 < n) {
            size_t half = room < 2 * by ? room / 2 : by;
            s[i].end += half;
            s[i + 1].start -= half;
        } else {
            s[i].end += room < by ? room : by;
        }
    }
}

tn_status tn_vad_segments(const float *prob, size_t n, size_t chunk, int rate, size_t samples, const tn_vad_opts *opts,
                          tn_vad_segment **out, size_t *n_out) {
    *out = NULL, *n_out = 0;
    if (chunk == 0 || rate < 1 || (n > 0 && (n - 1) > samples / chunk))
        return tn_fail(TN_E_INVALID, "%zu chunks of %zu samples do not fit %zu samples", n, chunk, samples);
    if (n == 0) return TN_OK;
    rules r = make_rules(opts, rate, chunk);
    /* a segment takes at least one chunk, and the last may be open */
    machine m = { .r = &r, .seg = tn_mem_alloc((n + 1) * sizeof *m.seg, TN_MEM_IO) };
    if (!m.seg) return tn_fail(TN_E_NOMEM, "segments of %zu chunks", n);
    for (size_t i = 0; i < n; i++) step(&m, prob[i], i * chunk);
    if (m.speaking && (double)(samples - m.start) > r.min_speech) emit(&m, m.start, samples);
    pad(m.seg, m.n, r.pad, samples);
    if (m.n > 0)
        *out = m.seg, *n_out = m.n;
    else
        tn_mem_free(m.seg);
    return TN_OK;
}
