#include "common/crypto/cpu_features.h"

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace crypto {

#if defined(__x86_64__) || defined(__i386__)

namespace {

struct Cpuid {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// One leaf, or zeros where the processor has no such leaf.
Cpuid cpuid(unsigned leaf, unsigned subleaf) {
  Cpuid out;
  if (!__get_cpuid_count(leaf, subleaf, &out.eax, &out.ebx, &out.ecx, &out.edx)) return {};
  return out;
}

bool has_bit(unsigned word, int bit) { return (word >> bit & 1) != 0; }

// XCR0: which registers the operating system saves. REQUIRES: OSXSAVE.
std::uint64_t saved_registers() {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

}  // namespace

// Source: Intel SDM volume 2, CPUID leaves 1 and 7; volume 1, 13.3 (XCR0).
CpuFeatures detect_cpu_features() {
  constexpr std::uint64_t ymm = 0x06;  // SSE and AVX state
  constexpr std::uint64_t zmm = 0xe6;  // those and opmask, the upper halves, zmm16 to zmm31
  const Cpuid basic = cpuid(1, 0);
  const Cpuid extended = cpuid(7, 0);
  const std::uint64_t saved = has_bit(basic.ecx, 27) ? saved_registers() : 0;

  CpuFeatures features;
  features.sse41 = has_bit(basic.ecx, 19);
  features.sha_ni = has_bit(extended.ebx, 29);
  features.avx2 = (saved & ymm) == ymm && has_bit(extended.ebx, 5);
  features.avx512f = (saved & zmm) == zmm && has_bit(extended.ebx, 16);
  features.avx512bw = features.avx512f && has_bit(extended.ebx, 30);
  features.avx512vnni = features.avx512f && has_bit(extended.ecx, 11);
  return features;
}

#elif defined(__aarch64__) && defined(__linux__)

// Source: Linux, Documentation/arch/arm64/elf_hwcaps.rst (HWCAP_SHA2).
CpuFeatures detect_cpu_features() {
  constexpr unsigned long sha2 = 1UL << 6;
  CpuFeatures features;
  features.arm_sha2 = (getauxval(AT_HWCAP) & sha2) != 0;
  return features;
}

#else

CpuFeatures detect_cpu_features() { return {}; }

#endif

}  // namespace crypto
