/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device_sim.c - the simulated device: options, faults, memory. See device_sim.h. */
#include "base/glob.h"
#include "base/number.h"
#include "base/random.h"
#include "engine/device_sim_parts.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------------------------------- options */

static const char *const event_names[] = {
#define X(id, name) [TN_SIM_##id] = name,
    TN_SIM_EVENTS(X)
#undef X
};

static tn_status take_text(void *to, const char *v, size_t n) {
    char **text = to;
    tn_mem_free(*text);
    if (!(*text = tn_mem_alloc(n + 1, TN_MEM_GENERAL))) return tn_fail(TN_E_NOMEM, "no memory for a device's options");
    memcpy(*text, v, n);
    (*text)[n] = 0;
    return TN_OK;
}

static tn_status take_number(void *to, const char *v, size_t n) {
    const char *p = v;
    if (n && tn_take_u64(&p, v + n, to) == TN_NUMBER_READ && p == v + n) return TN_OK;
    return tn_fail(TN_E_INVALID, "device 'sim': '%.*s' is no number", (int)(n < 40 ? n : 40), v);
}

static tn_status take_flag(void *to, const char *v, size_t n) {
    *(bool *)to = true;
    return v == NULL && n == 0 ? TN_OK : tn_fail(TN_E_INVALID, "device 'sim': a flag has no value");
}

static tn_status take_seed(void *to, const char *v, size_t n) {
    tn_sim_opts *o = to;
    o->choose = true;
    return take_number(&o->seed, v, n);
}

/* WHAT:N or WHAT:N+ */
static tn_status take_fault(void *to, const char *v, size_t n) {
    tn_sim_opts *o = to;
    size_t word = 0;
    while (word < n && v[word] != ':') word++;
    for (int e = 0; e < TN_SIM_EVENT_COUNT; e++)
        if (strlen(event_names[e]) == word && !strncmp(event_names[e], v, word)) o->fail = e;
    if (o->fail < 0 || word == n)
        return tn_fail(TN_E_INVALID, "device 'sim': fail=WHAT:N wants one of its events and a number, not '%.*s'",
                       (int)(n < 40 ? n : 40), v);
    o->fail_on = v[n - 1] == '+';
    return take_number(&o->fail_at, v + word + 1, n - word - 1 - o->fail_on);
}

static const struct {
    const char *name;
    tn_status (*take)(void *to, const char *v, size_t n);
    size_t at;
    bool flag;
} words[] = {
    { "ops", take_text, offsetof(tn_sim_opts, ops), false },
    { "some", take_seed, 0, false },
    { "memory", take_number, offsetof(tn_sim_opts, memory), false },
    { "copy_us", take_number, offsetof(tn_sim_opts, copy_us), false },
    { "run_us", take_number, offsetof(tn_sim_opts, run_us), false },
    { "cheap", take_flag, offsetof(tn_sim_opts, cheap), true },
    { "plain", take_flag, offsetof(tn_sim_opts, plain), true },
    { "lost", take_flag, offsetof(tn_sim_opts, lost), true },
    { "fail", take_fault, 0, false },
};

static tn_status take_option(tn_sim_opts *o, const char *p, size_t n) {
    size_t name = 0;
    while (name < n && p[name] != '=') name++;
    for (size_t i = 0; i < TN_COUNT(words); i++) {
        if (strlen(words[i].name) != name || strncmp(words[i].name, p, name) != 0) continue;
        void *to = (char *)o + words[i].at;
        if (name == n && words[i].flag) return words[i].take(to, NULL, 0);
        if (name < n) return words[i].take(to, p + name + 1, n - name - 1);
        return tn_fail(TN_E_INVALID, "device 'sim': %s wants a value: %s=...", words[i].name, words[i].name);
    }
    return tn_fail(TN_E_INVALID,
                   "device 'sim' has no option '%.*s'; it has ops, some, memory, copy_us, run_us, cheap, plain, fail, "
                   "lost",
                   (int)(name < 40 ? name : 40), p);
}

static tn_status take_options(tn_sim_opts *o, const char *p) {
    o->fail = -1;
    while (*p) {
        size_t n = strcspn(p, ",");
        TN_TRY(take_option(o, p, n));
        p += n + (p[n] == ',');
    }
    const uint64_t most = 1000000000;
    return o->copy_us <= most && o->run_us <= most
               ? TN_OK
               : tn_fail(TN_E_INVALID, "device 'sim': no delay is longer than %llu us", (unsigned long long)most);
}

/* ----------------------------------------------------------------------------------------------------------- faults */

bool tn_sim_ours(const tn_sim *s) { return s->pid == getpid(); }

tn_status tn_sim_does(tn_sim *s, tn_sim_event e) {
    if (!tn_sim_ours(s)) return tn_fail(TN_E_DEVICE, "it belongs to the process that forked this one");
    pthread_mutex_lock(&s->lock);
    unsigned long n = ++s->counts.events[e];
    bool fails = s->o.fail == (int)e && (n == s->o.fail_at || (s->o.fail_on && n >= s->o.fail_at));
    bool lost = s->lost;
    s->lost = s->lost || (fails && s->o.lost);
    pthread_mutex_unlock(&s->lock);
    if (lost) return tn_fail(TN_E_DEVICE, "it is lost");
    return fails ? tn_fail(TN_E_DEVICE, "%s number %lu fails, as asked for", event_names[e], n) : TN_OK;
}

static bool lost(void *self) {
    tn_sim *s = self;
    if (!tn_sim_ours(s)) return true;
    pthread_mutex_lock(&s->lock);
    bool is = s->lost;
    pthread_mutex_unlock(&s->lock);
    return is;
}

/* ----------------------------------------------------------------------------------------------------------- memory */

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static size_t mapped(size_t bytes) { return tn_align_up(bytes ? bytes : 1, page()); }

static tn_status reserve(tn_sim *s, size_t bytes) {
    TN_TRY(tn_sim_does(s, TN_SIM_ALLOC));
    pthread_mutex_lock(&s->lock);
    bool fits = !s->o.memory || (bytes <= s->o.memory && s->counts.bytes <= s->o.memory - bytes);
    size_t used = s->counts.bytes;
    if (fits) s->counts.bytes += bytes, s->counts.memories++;
    pthread_mutex_unlock(&s->lock);
    return fits ? TN_OK
                : tn_fail(TN_E_NOMEM, "no memory for %zu bytes: %zu of %llu are taken", bytes, used,
                          (unsigned long long)s->o.memory);
}

static void unreserve(tn_sim *s, size_t bytes) {
    if (!tn_sim_ours(s)) return;
    pthread_mutex_lock(&s->lock);
    s->counts.bytes -= bytes;
    s->counts.memories--;
    pthread_mutex_unlock(&s->lock);
}

static tn_status sim_alloc(void *self, size_t bytes, void **memory) {
    enum { GARBAGE = 0xa5 };
    if (bytes > SIZE_MAX / 2) return tn_fail(TN_E_NOMEM, "no memory for %zu bytes", bytes);
    TN_TRY(reserve(self, bytes));
    tn_sim_memory *m = tn_mem_zalloc(sizeof *m, TN_MEM_GENERAL);
    void *base = mmap(NULL, mapped(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!m || base == MAP_FAILED) {
        if (base != MAP_FAILED) munmap(base, mapped(bytes));
        tn_mem_free(m);
        unreserve(self, bytes);
        return tn_fail(TN_E_NOMEM, "no memory for %zu bytes", bytes);
    }
    tn_mem_disown(m); /* constants outlive sessions */
    memset(base, GARBAGE, mapped(bytes));
    mprotect(base, mapped(bytes), PROT_NONE);
    *m = (tn_sim_memory){ .base = base, .bytes = bytes };
    *memory = m;
    return TN_OK;
}

static void sim_free(void *self, void *memory) {
    tn_sim_memory *m = memory;
    munmap(m->base, mapped(m->bytes));
    unreserve(self, m->bytes);
    tn_mem_free(m);
}

static void protect(const tn_sim_memory *m) {
    int how = m->writers ? PROT_READ | PROT_WRITE : m->users ? PROT_READ : PROT_NONE;
    mprotect(m->base, mapped(m->bytes), how);
}

void tn_sim_touch(tn_sim *s, tn_sim_memory *m, bool write) {
    pthread_mutex_lock(&s->lock);
    m->users++;
    m->writers += write;
    protect(m);
    pthread_mutex_unlock(&s->lock);
}

void tn_sim_leave(tn_sim *s, tn_sim_memory *m, bool write) {
    pthread_mutex_lock(&s->lock);
    m->users--;
    m->writers -= write;
    protect(m);
    pthread_mutex_unlock(&s->lock);
}

tn_status tn_sim_at(tn_device_place p, size_t bytes, char **out) {
    const tn_sim_memory *m = p.memory;
    *out = NULL;
    if (p.bytes < bytes || p.offset > m->bytes || p.bytes > m->bytes - p.offset)
        return tn_fail(TN_E_DEVICE, "%zu bytes at %zu do not lie in %zu bytes of memory", p.bytes, p.offset, m->bytes);
    *out = m->base + p.offset;
    return TN_OK;
}

static void *host_alloc(void *self, size_t bytes) {
    tn_sim *s = self;
    if (tn_sim_does(s, TN_SIM_HOST) != TN_OK) return NULL;
    tn_sim_host *h = tn_mem_alloc(sizeof *h, TN_MEM_GENERAL);
    void *data = h ? tn_mem_alloc(bytes, TN_MEM_ACTIVATIONS) : NULL;
    if (!data) {
        tn_mem_free(h);
        return NULL;
    }
    *h = (tn_sim_host){ .data = data, .bytes = bytes };
    pthread_mutex_lock(&s->lock);
    h->next = s->hosts;
    s->hosts = h;
    s->counts.hosts++;
    pthread_mutex_unlock(&s->lock);
    return data;
}

static void host_free(void *self, void *p) {
    tn_sim *s = self;
    tn_sim_host *gone = NULL;
    bool ours = tn_sim_ours(s);
    if (ours) pthread_mutex_lock(&s->lock);
    for (tn_sim_host **at = &s->hosts; *at && !gone; at = gone ? at : &(*at)->next)
        if ((*at)->data == p) {
            gone = *at;
            *at = gone->next;
        }
    s->counts.hosts--;
    if (ours) pthread_mutex_unlock(&s->lock);
    tn_mem_free(gone);
    tn_mem_free(p);
}

void tn_sim_copied(tn_sim *s, bool up, const void *host, size_t bytes) {
    const char *p = host;
    pthread_mutex_lock(&s->lock);
    *(up ? &s->counts.up_bytes : &s->counts.down_bytes) += bytes;
    for (const tn_sim_host *h = s->hosts; h; h = h->next)
        s->counts.pinned += p >= h->data && p + bytes <= h->data + h->bytes;
    pthread_mutex_unlock(&s->lock);
}

tn_sim_counts tn_sim_counts_of(const tn_device *d) {
    tn_sim *s = d->self;
    pthread_mutex_lock(&s->lock);
    tn_sim_counts c = s->counts;
    pthread_mutex_unlock(&s->lock);
    return c;
}

/* ------------------------------------------------------------------------------------------------- what it would do */

static bool listed(const char *patterns, const char *type) {
    for (const char *p = patterns; p && *p;) {
        size_t n = strcspn(p, "|");
        if (tn_glob(p, p + n, type)) return true;
        p += n + (p[n] == '|');
    }
    return !patterns;
}

static uint64_t hash(uint64_t h, const char *s) {
    for (; s && *s; s++) h = tn_random_mix(h ^ (unsigned char)*s);
    return h;
}

static bool fits(void *self, const tn_infer *c, double cpu_ns, double *ns) {
    enum { SPEED = 10 };
    const tn_sim *s = self;
    const tn_node *n = c->node;
    *ns = cpu_ns / SPEED;
    if (!listed(s->o.ops, n->type)) return false;
    const char *of = n->n_outputs && n->outputs[0] ? n->outputs[0]->name : "";
    return !s->o.choose || hash(hash(tn_random_mix(s->o.seed), n->type), of) >> 63;
}

static tn_device_traits traits(void *self) {
    const tn_sim *s = self;
    tn_device_traits t = {
        .copy_ns = 5000, .byte_ns = 0.1, .launch_ns = 5000, .memory = s->o.memory, .plain_graph = s->o.plain
    };
    if (s->o.cheap) t.copy_ns = t.byte_ns = t.launch_ns = 0;
    return t;
}

static void sim_close(void *self) {
    tn_sim *s = self;
    munmap(s->forbidden, page());
    pthread_mutex_destroy(&s->lock);
    tn_mem_free(s->o.ops);
    tn_mem_free(s);
}

static tn_status sim_open(const char *options, void **self) {
    tn_sim *s = tn_mem_zalloc(sizeof *s, TN_MEM_GENERAL);
    *self = NULL;
    if (!s) return tn_fail(TN_E_NOMEM, "no memory for a device");
    s->pid = getpid();
    pthread_mutex_init(&s->lock, NULL);
    s->forbidden = mmap(NULL, page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tn_status st = s->forbidden != MAP_FAILED ? take_options(&s->o, options) : tn_fail(TN_E_NOMEM, "no memory");
    if (st == TN_OK) st = tn_sim_does(s, TN_SIM_OPEN);
    if (st != TN_OK)
        sim_close(s);
    else
        *self = s;
    return st;
}

const tn_device_ops tn_device_sim = {
    .name = "sim",
    .doc = "a simulated device, for tests: the CPU's operators on memory of its own",
    .open = sim_open,
    .close = sim_close,
    .traits = traits,
    .lost = lost,
    .alloc = sim_alloc,
    .free = sim_free,
    .host_alloc = host_alloc,
    .host_free = host_free,
    .stream_open = tn_sim_stream_open,
    .stream_close = tn_sim_stream_close,
    .upload = tn_sim_upload,
    .download = tn_sim_download,
    .run = tn_sim_run,
    .wait = tn_sim_wait,
    .reset = tn_sim_reset,
    .fits = fits,
    .compile = tn_sim_compile,
    .release = tn_sim_release,
};
