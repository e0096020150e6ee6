/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cpu.c - instruction sets, caches, and the CPUs this process may use. */
#include "base/cpu.h"
#include "base/log.h"
#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#define MAX_CPUS 1024
#define ALL      0x7fffffffu

static struct {
    unsigned detected, flags;
    char model[64];
    int n_allowed, n_useful; /* by affinity; and after the cgroup's quota */
    short allowed[MAX_CPUS];
    size_t cache[4];
} cpu;

/* ------------------------------------------------------------------------------------------- instruction sets */

#if defined(__x86_64__)

/* Which registers the operating system saves on a task switch; an instruction set is usable only with its registers. */
static uint64_t xgetbv0(void) {
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static unsigned detect(void) {
    enum { XMM_YMM = 0x6, ZMM = 0xe0 };
    unsigned a, b, c, d, flags = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    bool fma = c >> 12 & 1, osxsave = c >> 27 & 1, avx = c >> 28 & 1, f16c = c >> 29 & 1;
    if (!osxsave || !avx) return 0;
    uint64_t saved = xgetbv0();
    if ((saved & XMM_YMM) != XMM_YMM || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    unsigned a1 = 0, b1, c1, d1;
    if (!a || !__get_cpuid_count(7, 1, &a1, &b1, &c1, &d1)) a1 = 0;
    bool avx2 = b >> 5 & 1, bmi2 = b >> 8 & 1;
    if (!(avx2 && bmi2 && fma && f16c)) return 0;
    flags |= TN_CPU_AVX2;
    if (a1 >> 4 & 1) flags |= TN_CPU_AVXVNNI;
    bool f = b >> 16 & 1, dq = b >> 17 & 1, bw = b >> 30 & 1, vl = b >> 31 & 1;
    if (!(f && dq && bw && vl) || (saved & ZMM) != ZMM) return flags;
    flags |= TN_CPU_AVX512;
    if (c >> 11 & 1) flags |= TN_CPU_AVX512VNNI;
    if (a1 >> 5 & 1) flags |= TN_CPU_AVX512BF16;
    return flags;
}

static void read_model(char *out, size_t n) {
    unsigned r[12];
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2], &r[4 * i + 3])) return;
    char raw[sizeof r + 1] = { 0 };
    memcpy(raw, r, sizeof r);
    char *s = raw + strspn(raw, " ");
    for (size_t k = strlen(s); k && s[k - 1] == ' ';) s[--k] = 0;
    if (*s) snprintf(out, n, "%s", s);
}

#elif defined(__aarch64__)

static unsigned detect(void) {
    unsigned flags = TN_CPU_NEON;                               /* part of the base architecture */
#if defined(__linux__)
    if (getauxval(AT_HWCAP) >> 20 & 1) flags |= TN_CPU_DOTPROD; /* HWCAP_ASIMDDP */
#endif
    return flags;
}

static void read_model(char *out, size_t n) { snprintf(out, n, "aarch64"); }

#else
static unsigned detect(void) { return 0; }
static void read_model(char *out, size_t n) {
    (void)out;
    (void)n;
}
#endif

static const struct {
    const char *name;
    unsigned mask;
} levels[] = {
    { "ref", 0 },
    { "avx2", TN_CPU_AVX2 },
    { "avxvnni", TN_CPU_AVX2 | TN_CPU_AVXVNNI },
    { "avx512", TN_CPU_AVX2 | TN_CPU_AVX512 },
    { "avx512vnni", TN_CPU_AVX2 | TN_CPU_AVXVNNI | TN_CPU_AVX512 | TN_CPU_AVX512VNNI },
    { "avx512bf16", TN_CPU_AVX2 | TN_CPU_AVXVNNI | TN_CPU_AVX512 | TN_CPU_AVX512VNNI | TN_CPU_AVX512BF16 },
    { "neon", TN_CPU_NEON },
    { "dotprod", TN_CPU_NEON | TN_CPU_DOTPROD },
    { "native", ALL },
};

int tn_cpu_parse(const char *name) {
    for (size_t i = 0; i < TN_COUNT(levels); i++)
        if (tn_same_word(name, levels[i].name)) return (int)levels[i].mask;
    return -1;
}

const char *tn_cpu_name(unsigned mask, char *buf, size_t n) {
    static const struct {
        unsigned bit;
        const char *name;
    } parts[] = {
        { TN_CPU_AVX512, "avx512" },   { TN_CPU_AVX2, "avx2" },       { TN_CPU_AVX512VNNI, "vnni" },
        { TN_CPU_AVXVNNI, "avxvnni" }, { TN_CPU_AVX512BF16, "bf16" }, { TN_CPU_NEON, "neon" },
        { TN_CPU_DOTPROD, "dotprod" },
    };
    if (mask & TN_CPU_AVX512) mask &= ~(unsigned)(TN_CPU_AVX2 | TN_CPU_AVXVNNI); /* implied, or not needed beside it */
    size_t used = 0;
    snprintf(buf, n, "ref");
    for (size_t i = 0; i < TN_COUNT(parts) && used < n; i++)
        if (mask & parts[i].bit) used += (size_t)snprintf(buf + used, n - used, "%s%s", used ? " " : "", parts[i].name);
    return buf;
}

/* --------------------------------------------------------------------------------------------- allowed CPUs */

static bool read_text(const char *path, char *buf, size_t n) {
    FILE *f = fopen(path, "re");
    if (!f) return false;
    size_t got = fread(buf, 1, n - 1, f);
    fclose(f);
    buf[got] = 0;
    return got > 0;
}

/* CPUs granted by one cgroup folder, 0: no limit there. */
static double quota_at(const char *dir, bool v2) {
    char path[1200], text[128];
    const char *p = text;
    int64_t quota = 0, period = 0;
    if (v2) {
        snprintf(path, sizeof path, "%s/cpu.max", dir); /* "150000 100000", or "max 100000" */
        if (!read_text(path, text, sizeof text) || !tn_take_i64(&p, NULL, &quota) || *p++ != ' ') return 0;
        if (!tn_take_i64(&p, NULL, &period)) return 0;
    } else {
        snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", dir);
        if (!read_text(path, text, sizeof text) || !tn_take_i64(&p, NULL, &quota)) return 0;
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir);
        if (!read_text(path, text, sizeof text) || !tn_take_i64((p = text, &p), NULL, &period)) return 0;
    }
    return quota > 0 && period > 0 ? (double)quota / (double)period : 0;
}

/* The smallest quota on the way from the process's group to the root; every ancestor limits too. */
static double quota_along(const char *mount, const char *group, bool v2) {
    char dir[1024];
    double least = 0;
    int n = snprintf(dir, sizeof dir, "%s%s", mount, group);
    if (n < 0 || (size_t)n >= sizeof dir) return 0;
    for (;;) {
        double q = quota_at(dir, v2);
        if (q > 0 && (least == 0 || q < least)) least = q;
        if (strlen(dir) <= strlen(mount)) return least;
        *strrchr(dir, '/') = 0;
    }
}

static bool has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *s = list; (s = strstr(s, word)); s += n)
        if ((s == list || s[-1] == ',') && (s[n] == ',' || !s[n])) return true;
    return false;
}

/* CPUs granted by cgroups (v2, or v1's cpu controller), 0: no limit. Lines read "id:controllers:/group". */
static double cgroup_quota(void) {
    char text[4096];
    double least = 0;
    if (!read_text("/proc/self/cgroup", text, sizeof text)) return 0;
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group || group[1] != '/') continue;
        *group++ = 0;
        controllers++;
        double q = 0;
        if (!*controllers)
            q = quota_along("/sys/fs/cgroup", group, true);
        else if (has_word(controllers, "cpu"))
            q = quota_along("/sys/fs/cgroup/cpu", group, false);
        if (q > 0 && (least == 0 || q < least)) least = q;
    }
    return least;
}

static void find_allowed(void) {
#if defined(__linux__)
    size_t bytes = CPU_ALLOC_SIZE(MAX_CPUS);
    cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
    if (set && !sched_getaffinity(0, bytes, set))
        for (int i = 0; i < MAX_CPUS; i++)
            if (CPU_ISSET_S(i, bytes, set)) cpu.allowed[cpu.n_allowed++] = (short)i;
    CPU_FREE(set);
#endif
    if (!cpu.n_allowed) {
        long n = sysconf(_SC_NPROCESSORS_ONLN);
        for (int i = 0; i < n && i < MAX_CPUS; i++) cpu.allowed[cpu.n_allowed++] = (short)i;
    }
    if (!cpu.n_allowed) cpu.n_allowed = 1;
    cpu.n_useful = cpu.n_allowed;
    double quota = cgroup_quota();
    if (quota > 0 && quota < cpu.n_allowed) {
        cpu.n_useful = (int)quota + (quota > (int)quota); /* 1.5 CPUs: two threads */
        if (cpu.n_useful < 1) cpu.n_useful = 1;
    }
}

/* ------------------------------------------------------------------------------------------------------ caches */

/* /sys knows the caches where the C library does not (aarch64, some virtual machines). */
static size_t cache_from_sys(int level) {
    for (int i = 0; i < 8; i++) {
        char path[96], text[64];
        const char *p = text;
        int64_t found;
        uint64_t size;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        if (!read_text(path, text, sizeof text) || !tn_take_i64(&p, NULL, &found) || found != level) continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        if (!read_text(path, text, sizeof text) || text[0] == 'I') continue; /* instructions */
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        p = text; /* "32K" */
        if (!read_text(path, text, sizeof text) || !tn_take_u64(&p, NULL, &size) || size > UINT32_MAX) continue;
        return size << (*p == 'K' ? 10 : *p == 'M' ? 20 : 0);
    }
    return 0;
}

static void find_caches(void) {
    static const size_t guess[4] = { 0, 32 << 10, 512 << 10, 8 << 20 };
    for (int level = 1; level <= 3; level++) {
        long n = 0;
#if defined(_SC_LEVEL1_DCACHE_SIZE)
        static const int names[4] = { 0, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE };
        n = sysconf(names[level]);
#endif
        cpu.cache[level] = n > 0 ? (size_t)n : cache_from_sys(level);
        if (!cpu.cache[level]) cpu.cache[level] = guess[level];
    }
}

/* -------------------------------------------------------------------------------------------------------- once */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_all(void) {
    snprintf(cpu.model, sizeof cpu.model, "unknown");
    read_model(cpu.model, sizeof cpu.model);
    cpu.detected = cpu.flags = detect();
    find_allowed();
    find_caches();
    const char *env = getenv("TN_CPU");
    if (!env || !*env) return;
    int mask = tn_cpu_parse(env);
    if (mask < 0)
        tn_log(TN_LOG_WARN, "TN_CPU=%s is unknown (ref, avx2, avx512, ..., native); ignored", env);
    else
        cpu.flags &= (unsigned)mask;
}

static void find_once(void) { pthread_once(&once, find_all); }

unsigned tn_cpu_flags(void) {
    find_once();
    return cpu.flags;
}

unsigned tn_cpu_detected(void) {
    find_once();
    return cpu.detected;
}

const char *tn_cpu_model(void) {
    find_once();
    return cpu.model;
}

int tn_cpu_count(void) {
    find_once();
    return cpu.n_useful;
}

int tn_cpu_allowed_count(void) {
    find_once();
    return cpu.n_allowed;
}

int tn_cpu_allowed(int index) {
    find_once();
    return cpu.allowed[(unsigned)index % (unsigned)cpu.n_allowed];
}

size_t tn_cpu_cache(int level) {
    find_once();
    return level >= 1 && level <= 3 ? cpu.cache[level] : 0;
}
