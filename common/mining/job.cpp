#include "common/mining/job.h"

#include "common/base/bytes.h"

namespace mining {

std::string job_id_text(JobId id) { return base::u64_hex(id.value); }

bool parse_job_id(std::string_view text, JobId& out) {
  if (text.size() != 16) return false;
  std::uint64_t value = 0;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = c >= 'a' && c <= 'f';
    if (!digit && !letter) return false;
    value = value << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  out = JobId(value);
  return true;
}

}  // namespace mining
