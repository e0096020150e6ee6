/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device_sim_parts.h - what the parts of the simulated device share: device_sim.c has its options and its memory,
 * device_sim_stream.c does commands in order, device_sim_program.c compiles segments and runs them. */
#ifndef TN_ENGINE_DEVICE_SIM_PARTS_H
#define TN_ENGINE_DEVICE_SIM_PARTS_H

#include "engine/device_sim.h"
#include <pthread.h>
#include <sys/types.h>

typedef struct {
    char *ops;
    bool choose;
    uint64_t seed;
    uint64_t memory; /* 0: no limit */
    uint64_t copy_us, run_us;
    bool cheap, plain, lost;
    int fail; /* a tn_sim_event; -1: none */
    uint64_t fail_at;
    bool fail_on; /* and all later ones */
} tn_sim_opts;

typedef struct tn_sim_host {
    struct tn_sim_host *next;
    char *data;
    size_t bytes;
} tn_sim_host;

typedef struct {
    tn_sim_opts o;
    pid_t pid;
    pthread_mutex_t lock; /* the rest, and which memory may be touched */
    tn_sim_counts counts;
    tn_sim_host *hosts;
    bool lost;
    void *forbidden; /* a page that nobody may touch */
} tn_sim;

typedef struct {
    char *base;
    size_t bytes;
    int users, writers; /* commands that name it now */
} tn_sim_memory;

/** Counts the event. errors TN_E_DEVICE: it is to fail, or the device is lost, or belongs to another process */
tn_status tn_sim_does(tn_sim *s, tn_sim_event e);
/** Whether the device is this process's own. */
bool tn_sim_ours(const tn_sim *s);
/** Notes a copy. */
void tn_sim_copied(tn_sim *s, bool up, const void *host, size_t bytes);

/** Opens memory to a command, and closes it again. */
void tn_sim_touch(tn_sim *s, tn_sim_memory *m, bool write);
void tn_sim_leave(tn_sim *s, tn_sim_memory *m, bool write);
/** The address of a place of at least `bytes` bytes, whose memory the command has opened. errors TN_E_DEVICE */
tn_status tn_sim_at(tn_device_place p, size_t bytes, char **out);

/* Programs. */
tn_status tn_sim_compile(void *self, tn_device *d, const tn_segment *s, void **program, size_t *work);
void tn_sim_release(void *self, void *program);
void tn_sim_places(const void *program, int *n_in, int *n_out);
/** Runs it on this thread, whose budget may stop it. */
tn_status tn_sim_execute(tn_sim *s, void *program, const tn_device_place *in, const tn_device_place *out,
                         tn_device_place work);

/* Streams: see tn_device_ops. */
tn_status tn_sim_stream_open(void *self, void **stream);
void tn_sim_stream_close(void *stream);
tn_status tn_sim_upload(void *stream, tn_device_place to, const void *from, tn_device_ticket *t);
tn_status tn_sim_download(void *stream, void *to, tn_device_place from, tn_device_ticket *t);
tn_status tn_sim_run(void *stream, void *program, const tn_device_place *in, const tn_device_place *out,
                     tn_device_place work, tn_device_ticket *t);
tn_status tn_sim_wait(void *stream, tn_device_ticket t, uint64_t ns, bool *done);
void tn_sim_reset(void *stream);

#endif
