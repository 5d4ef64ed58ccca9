#include "common/bloom/kernel.h"

#include <doctest/doctest.h>

#include <string>

TEST_CASE("every kernel that runs here passes the self test") {
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  for (const bloom::Kernel& kernel : bloom::kernels()) {
    const std::string name(kernel.name);
    CAPTURE(name);
    if (kernel.supported(cpu)) CHECK(bloom::self_test(kernel));
  }
}

TEST_CASE("the portable kernel is last and runs anywhere") {
  const crypto::CpuFeatures none;
  const auto kernels = bloom::kernels();
  CHECK_EQ(kernels.back().name, "portable");
  CHECK_EQ(bloom::pick_kernel(kernels, none, ""), &kernels.back());
  CHECK_EQ(bloom::pick_kernel(kernels, none, "no_such"), nullptr);
}
