/* What scan_bench measures itself against where the build was given a built source tree of
 * cpuminer-opt: its function for sha256d with sixteen lanes, fed with some header and an
 * unreachable target. What that function needs of the rest of the program is replaced here. */
#include "miner.h"

#include <stdlib.h>
#include <string.h>

int scanhash_sha256d_16way(struct work* work, uint32_t max_nonce, uint64_t* hashes_done,
                           struct thr_info* thread);

struct work_restart* work_restart;
bool opt_benchmark = true;
bool submit_solution(struct work* work, const void* hash, struct thr_info* thread) {
  (void)work, (void)hash, (void)thread;
  return true;
}
bool valid_hash(const void* hash, const void* target) {
  (void)hash, (void)target;
  return false;
}

static struct work* work;
static struct thr_info thread;

void rival_begin(void) {
  size_t size = (sizeof(struct work) + 127) / 128 * 128;
  work = aligned_alloc(128, size);
  work_restart = calloc(1, 128);
  if (!work || !work_restart) abort();
  memset(work, 0, size);
  for (uint32_t i = 0; i < 20; ++i) work->data[i] = 0x9e3779b9u * (i + 1);
}

uint64_t rival_scan(uint32_t nonces) {
  uint64_t done = 0;
  work->data[19] = 0;
  scanhash_sha256d_16way(work, nonces + 16, &done, &thread);
  return done;
}
