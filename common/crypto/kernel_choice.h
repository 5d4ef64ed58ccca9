// The choice among the rows of a kernel table: the first that the processor supports, that has the
// asked name, and that passes its self test. A row has a name and supported(); fastest rows first.
//
// Thread: pure.
#pragma once

#include "common/crypto/cpu_features.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace crypto {

// `forced`: only the row of that name; empty: any. Null when there is none such.
template <class Kernel>
const Kernel* first_supported(std::span<const Kernel> kernels, const CpuFeatures& cpu,
                              std::string_view forced) {
  for (const Kernel& kernel : kernels) {
    const bool wanted = forced.empty() || kernel.name == forced;
    if (wanted && kernel.supported(cpu)) return &kernel;
  }
  return nullptr;
}

// The first of these that passes `self_test`; `on_failed` is told of each that does not.
template <class Kernel, class SelfTest, class OnFailed>
const Kernel* first_working(std::span<const Kernel> kernels, const CpuFeatures& cpu,
                            std::string_view forced, const SelfTest& self_test,
                            const OnFailed& on_failed) {
  while (const Kernel* picked = first_supported(kernels, cpu, forced)) {
    if (self_test(*picked)) return picked;
    on_failed(*picked);
    kernels = kernels.subspan(static_cast<std::size_t>(picked - kernels.data()) + 1);
  }
  return nullptr;
}

}  // namespace crypto
