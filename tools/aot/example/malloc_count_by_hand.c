/* Runs count_malloc with nothing but its object file: this driver defines the four helpers and the map itself. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t bpf_main(void *ctx, uint64_t size);

/* The one map: process id to number of calls. Its handle is the address of the first entry. */
static struct entry {
    uint32_t pid;
    uint64_t calls;
} entries[16];
static unsigned entry_count;

static uint32_t current_pid;

uint64_t __lddw_helper_map_by_fd(uint32_t map) {
    (void)map;
    return (uint64_t)(uintptr_t)entries;
}

/* bpf_map_lookup_elem(map, key) */
uint64_t _bpf_helper_ext_0001(uint64_t map, uint64_t key) {
    struct entry *table = (struct entry *)(uintptr_t)map;
    for (unsigned i = 0; i < entry_count; ++i)
        if (table[i].pid == *(const uint32_t *)(uintptr_t)key) return (uint64_t)(uintptr_t)&table[i].calls;
    return 0;
}

/* bpf_map_update_elem(map, key, value, flags): the program asks for new keys only */
uint64_t _bpf_helper_ext_0002(uint64_t map, uint64_t key, uint64_t value, uint64_t flags) {
    (void)flags;
    if (entry_count == sizeof entries / sizeof *entries) return (uint64_t)-7; /* E2BIG */
    struct entry *added = (struct entry *)(uintptr_t)map + entry_count++;
    memcpy(&added->pid, (const void *)(uintptr_t)key, sizeof added->pid);
    memcpy(&added->calls, (const void *)(uintptr_t)value, sizeof added->calls);
    return 0;
}

/* bpf_trace_printk(format, size, ...): the one format of this program */
uint64_t _bpf_helper_ext_0006(uint64_t format, uint64_t size, uint64_t a, uint64_t b, uint64_t c) {
    (void)size, (void)b, (void)c;
    int length = printf((const char *)(uintptr_t)format, (int)a);
    putchar('\n');
    return (uint64_t)length;
}

/* bpf_get_current_pid_tgid() */
uint64_t _bpf_helper_ext_0014(void) { return (uint64_t)current_pid << 32 | current_pid; }

int main(void) {
    for (int call = 0; call < 1000; ++call) {
        current_pid = call % 10 == 0 ? 4242 : 7;
        if (bpf_main(NULL, 0) != 0) return 1;
    }
    for (unsigned i = 0; i < entry_count; ++i)
        printf("process %" PRIu32 ": %" PRIu64 " calls\n", entries[i].pid, entries[i].calls);
    return 0;
}
