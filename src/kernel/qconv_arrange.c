/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_arrange.c - puts channels together so that lanes of 16 bits hold their products: the largest first, each where
 * least overflows, then exchanges while that helps. */
#include "kernel/qconv_arrange.h"
#include <string.h>
#ifdef __SSE2__ /* every x86-64: millions of small sums are compared for a network */
#include <emmintrin.h>
#endif

enum {
    CHANNELS = TN_QBLOCK,
    NOBODY = CHANNELS, /* a channel without weights, in places that are left over */
    BINS = 8,
    BOUND = 64,     /* of halves */
    MOST_HALF = 63, /* four of them are a byte; it may stand for 64: lanes of as much are looked at exactly */
    EASY = 52,      /* what a lane had better stay below while more channels are to come */
    STEP = 16,
    LANES = 2 * TN_QCOLUMNS,
    EXCHANGES = 10, /* at most */
    WHOLE = 128,    /* 255 * 128 < 2^15 */
    ALL = 15
};

/* Weights' parts above zero, then below it, of each column: halves, rounded up, of which four are a byte. */
typedef uint8_t lanes[LANES];

/* Places: bins of four are halves of doubles, bins of two halves of singles. */
typedef struct {
    int doubles, singles, bins;
    int room[BINS], used[BINS];
    uint8_t in[BINS][4];
    lanes sum[BINS];
    unsigned over; /* what overflows, of all lanes */
} places;

typedef struct {
    int64_t columns, n; /* n: lanes in use, a multiple of STEP */
    lanes part[CHANNELS + 1];
    uint32_t size[CHANNELS];
    int order[CHANNELS], active; /* channels with weights, the largest first */
} block;

/* The time of groups, in multiplications of a row. */
static int time_of(int doubles, int singles) { return 3 * doubles + 2 * singles; }

static int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

#ifdef __SSE2__
static inline __m128i load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }

static inline __m128i step_excess(const uint8_t *sum, const uint8_t *less, const uint8_t *more, __m128i bound) {
    __m128i v = _mm_add_epi8(_mm_sub_epi8(load(sum), load(less)), load(more));
    return _mm_sad_epu8(_mm_subs_epu8(v, bound), _mm_setzero_si128());
}
#endif

/* What sum - less + more has above the bound, of all lanes. */
static inline unsigned excess(const block *b, const uint8_t *sum, const uint8_t *less, const uint8_t *more, int bound) {
#ifdef __SSE2__
    __m128i most = _mm_set1_epi8((char)bound), all = step_excess(sum, less, more, most);
    for (int64_t i = STEP; i < b->n; i += STEP)
        all = _mm_add_epi64(all, step_excess(sum + i, less + i, more + i, most));
    return (unsigned)(_mm_cvtsi128_si32(all) + _mm_extract_epi16(all, 4));
#else
    unsigned all = 0;
    for (int64_t i = 0; i < b->n; i++) {
        int v = sum[i] - less[i] + more[i] - bound;
        all += (unsigned)(v > 0 ? v : 0);
    }
    return all;
#endif
}

static void replace(const block *b, uint8_t *sum, const uint8_t *less, const uint8_t *more) {
    for (int64_t i = 0; i < b->n; i++) sum[i] = (uint8_t)(sum[i] - less[i] + more[i]);
}

static uint8_t half(int w) {
    int v = ((w > 0 ? w : 0) + 1) / 2;
    return (uint8_t)(v < MOST_HALF ? v : MOST_HALF);
}

/* A channel's parts; returns their sum. */
static uint32_t read_channel(int64_t columns, const int16_t *w, uint8_t *part) {
    uint32_t size = 0;
    int64_t j = 0;
#ifdef __SSE2__
    for (; j + 8 <= columns; j += 8) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(w + j)), none = _mm_setzero_si128();
        __m128i above = _mm_avg_epu16(_mm_max_epi16(v, none), none),
                below = _mm_avg_epu16(_mm_max_epi16(_mm_sub_epi16(none, v), none), none);
        __m128i parts = _mm_min_epu8(_mm_packus_epi16(above, below), _mm_set1_epi8(MOST_HALF));
        _mm_storel_epi64((__m128i *)(void *)(part + j), parts);
        _mm_storel_epi64((__m128i *)(void *)(part + columns + j), _mm_unpackhi_epi64(parts, parts));
        parts = _mm_sad_epu8(parts, none);
        size += (uint32_t)(_mm_cvtsi128_si32(parts) + _mm_extract_epi16(parts, 4));
    }
#endif
    for (; j < columns; j++) {
        part[j] = half(w[j]), part[columns + j] = half(-w[j]);
        size += (uint32_t)(part[j] + part[columns + j]);
    }
    return size;
}

static void read_block(block *b, int64_t columns, int16_t (*rest)[TN_QCOLUMNS]) {
    b->columns = columns, b->n = (2 * columns + STEP - 1) / STEP * STEP, b->active = 0;
    memset(b->part[NOBODY], 0, sizeof *b->part);
    for (int c = 0; c < CHANNELS; c++) {
        memset(b->part[c] + b->n - STEP, 0, STEP);
        b->size[c] = read_channel(columns, rest[c], b->part[c]);
        if (!b->size[c]) continue;
        int at = b->active++;
        for (; at > 0 && b->size[b->order[at - 1]] < b->size[c]; at--) b->order[at] = b->order[at - 1];
        b->order[at] = c;
    }
}

static void put(const block *b, places *p, int bin, int channel) {
    p->in[bin][p->used[bin]++] = (uint8_t)channel;
    replace(b, p->sum[bin], b->part[NOBODY], b->part[channel]);
}

static unsigned crowding(const block *b, const places *p, int bin, const uint8_t *more) {
    const uint8_t *none = b->part[NOBODY];
    return 4 * excess(b, p->sum[bin], none, more, BOUND) + excess(b, p->sum[bin], none, more, EASY);
}

/* Each channel goes where it adds least to what overflows, or to what comes near. */
static void distribute(const block *b, places *p) {
    unsigned now[BINS] = { 0 }, then[BINS];
    for (int i = 0; i < b->active; i++) {
        int best = -1;
        for (int k = 0; k < p->bins; k++) {
            if (p->used[k] == p->room[k]) continue;
            then[k] = crowding(b, p, k, b->part[b->order[i]]);
            if (best < 0 || then[k] - now[k] < then[best] - now[best]) best = k;
        }
        put(b, p, best, b->order[i]);
        now[best] = then[best];
    }
    for (int k = 0; k < p->bins; k++)
        while (p->used[k] < p->room[k]) put(b, p, k, NOBODY);
}

/* The exchange between bin a and others that helps most; whether there is one. */
static bool exchange(const block *b, places *p, int a, const unsigned *over) {
    unsigned gain = 0;
    int best[3] = { 0 };
    for (int i = 0; i < p->room[a]; i++)
        for (int k = 0; k < p->bins; k++)
            for (int j = 0; k != a && j < p->room[k]; j++) {
                const uint8_t *mine = b->part[p->in[a][i]], *other = b->part[p->in[k][j]];
                unsigned here = excess(b, p->sum[a], mine, other, BOUND);
                if (here + gain >= over[a] + over[k]) continue;
                unsigned v = here + excess(b, p->sum[k], other, mine, BOUND);
                if (v + gain < over[a] + over[k]) gain = over[a] + over[k] - v, best[0] = i, best[1] = k, best[2] = j;
            }
    if (!gain) return false;
    uint8_t *x = &p->in[a][best[0]], *y = &p->in[best[1]][best[2]], t = *x;
    replace(b, p->sum[a], b->part[*x], b->part[*y]);
    replace(b, p->sum[best[1]], b->part[*y], b->part[*x]);
    *x = *y, *y = t;
    return true;
}

static void improve(const block *b, places *p) {
    unsigned over[BINS];
    bool more = true;
    for (int n = 0; more; n++) {
        int worst = 0;
        p->over = 0;
        for (int k = 0; k < p->bins; k++) {
            over[k] = excess(b, p->sum[k], b->part[NOBODY], b->part[NOBODY], BOUND);
            p->over += over[k];
            if (over[k] > over[worst]) worst = k;
        }
        more = p->over && n < EXCHANGES && exchange(b, p, worst, over);
    }
}

/* The channels of a bin that have to give something up, as bits: those that cover most of what overflows. */
static unsigned who_gives(const block *b, const places *p, int bin) {
    lanes over;
    unsigned who = 0, left = 0;
    for (int64_t i = 0; i < b->n; i++) {
        over[i] = (uint8_t)(p->sum[bin][i] > BOUND ? p->sum[bin][i] - BOUND : 0);
        left += over[i];
    }
    while (left) {
        unsigned most = 0;
        int best = 0;
        for (int k = 0; k < p->room[bin]; k++) {
            unsigned v = 0;
            const uint8_t *part = b->part[p->in[bin][k]];
            for (int64_t i = 0; i < b->n && !(who >> k & 1); i++) v += over[i] < part[i] ? over[i] : part[i];
            if (v > most) most = v, best = k;
        }
        const uint8_t *part = b->part[p->in[bin][best]];
        for (int64_t i = 0; i < b->n; i++) over[i] = (uint8_t)(over[i] < part[i] ? 0 : over[i] - part[i]);
        who |= 1u << best, left -= most;
    }
    return who;
}

/* The time of places, with what those need that do not fit. */
static int whole_time(const block *b, const places *p, unsigned *gives) {
    int n = 0;
    for (int k = 0; k < p->bins; k++) {
        gives[k] = p->over ? who_gives(b, p, k) : 0;
        n += __builtin_popcount(gives[k]);
    }
    return time_of(p->doubles, p->singles) + time_of((n + 3) / 8, n % 8 > 0 && n % 8 < 5);
}

static void open_places(places *p, int64_t n, int doubles, int singles) {
    p->doubles = doubles, p->singles = singles, p->bins = 2 * (doubles + singles);
    for (int k = 0; k < p->bins; k++) {
        p->room[k] = k < 2 * doubles ? 4 : 2, p->used[k] = 0;
        memset(p->sum[k], 0, (size_t)n);
    }
}

/* What the weights of a lane have above `most` is given up by those that give; *w are the four of a bin. */
static void give_up(int *w, int n, int sign, unsigned gives) {
    int over = -WHOLE;
    for (int k = 0; k < n; k++) over += w[k] * sign > 0 ? w[k] * sign : 0;
    for (int k = 0; k < n && over > 0; k++) {
        int v = gives >> k & 1 ? w[k] * sign : 0, less = v < 0 ? 0 : v < over ? v : over;
        w[k] -= sign * less, over -= less;
    }
}

/* Takes from rest what the bin holds of it; whether there is more. */
static int take(const block *b, const places *p, unsigned gives, int bin, int16_t (*rest)[TN_QCOLUMNS],
                int (*taken)[4]) {
    int n = p->room[bin], left = 0;
    for (int64_t j = 0; j < b->columns; j++) {
        int *w = taken[j];
        for (int k = 0; k < n; k++) {
            int c = p->in[bin][k];
            w[k] = c == NOBODY ? 0 : clamp(rest[c][j], -128, 127);
        }
        if (p->sum[bin][j] >= MOST_HALF) give_up(w, n, 1, gives), give_up(w, n, 1, ALL);
        if (p->sum[bin][b->columns + j] >= MOST_HALF) give_up(w, n, -1, gives), give_up(w, n, -1, ALL);
        for (int k = 0; k < n; k++) {
            int c = p->in[bin][k];
            if (c != NOBODY) left |= rest[c][j] = (int16_t)(rest[c][j] - w[k]);
        }
    }
    return left;
}

/* Bin k is bytes 0 and 1, or 2 and 3, of its group; of doubles the third and fourth channels are in the next group. */
static void write_bin(const block *b, const places *p, int bin, int (*taken)[4], tn_qround *out) {
    int half = bin % 2 * 2, first = bin < 2 * p->doubles ? bin / 2 * 2 : p->doubles + bin / 2;
    for (int k = 0; k < p->room[bin]; k++) {
        int g = first + k / 2, byte = half + k % 2, c = p->in[bin][k];
        out->pick[g][byte] = (uint8_t)(c == NOBODY ? 0 : c);
        for (int64_t j = 0; j < b->columns; j++) out->w[g][j][byte] = (int8_t)taken[j][k];
    }
}

bool tn_qarrange(int64_t columns, int16_t (*rest)[TN_QCOLUMNS], tn_qround *out) {
    static const struct {
        int doubles, singles;
    } ways[] = { { 0, 1 }, { 1, 0 }, { 0, 2 }, { 1, 1 }, { 2, 0 }, { 0, 3 }, { 1, 2 }, { 0, 4 } }; /* by time */
    block b;
    places tried[2], *best = NULL;
    unsigned gives[BINS] = { 0 }, g[BINS];
    int least = INT32_MAX, left = 0;
    read_block(&b, columns, rest);
    for (size_t i = 0; b.active && i < sizeof ways / sizeof *ways; i++) {
        if (8 * ways[i].doubles + 4 * ways[i].singles < b.active) continue;
        if (time_of(ways[i].doubles, ways[i].singles) >= least) break;
        places *p = best == tried ? tried + 1 : tried;
        open_places(p, b.n, ways[i].doubles, ways[i].singles);
        distribute(&b, p);
        improve(&b, p);
        int time = whole_time(&b, p, g);
        if (time < least) least = time, best = p, memcpy(gives, g, sizeof gives);
    }
    out->doubles = best ? best->doubles : 0, out->singles = best ? best->singles : 0;
    for (int k = 0; best && k < best->bins; k++) {
        int taken[TN_QCOLUMNS][4];
        left |= take(&b, best, gives[k], k, rest, taken);
        write_bin(&b, best, k, taken, out);
    }
    return left;
}
