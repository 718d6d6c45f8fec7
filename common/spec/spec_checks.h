// The parts of ValidateSpec: each checks some fields and fills their defaults in.
#pragma once

#include <cstdint>

#include "common/base/time.h"
#include "common/spec/load_test_spec.h"
#include "common/spec/spec_problems.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

inline constexpr int64_t kSpecHourNs = 3'600 * kNanosPerSecond;
inline constexpr int64_t kLongestTestNs = 7 * 24 * kSpecHourNs;

// URL, method, headers, body, HTTP version and streams.
void CheckRequest(v1::LoadTestSpec& spec, BodyIn body_in, SpecProblems& problems);

// TLS options, which want an https URL.
void CheckTls(v1::LoadTestSpec& spec, SpecProblems& problems);

// How requests are spaced: load, arrivals, warm-up, spin.
void CheckLoad(v1::LoadTestSpec& spec, SpecProblems& problems);

// What happens when a driver is lost or comes back. After CheckLoad.
void CheckLosses(v1::LoadTestSpec& spec, SpecProblems& problems);

}  // namespace loadtest
