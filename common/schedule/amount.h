// Requests in parts so small that every rate and every time is a whole number of them.
#pragma once

#include <cstdint>

namespace loadtest {

// 2 * 10^18 to a request. Rates are whole numbers of 10^-9 requests per second and times whole
// nanoseconds, so that a rate over a time is a whole number of 10^-18 requests; and the mean of two
// rates over a time, which is what a ramp amounts to, a whole number of halves of it. So sums of
// stages are exact, and nothing drifts however long a test is. A week at 10^9 requests per second
// is 2^110 of them.
__extension__ using Amount = unsigned __int128;
inline constexpr Amount kOneRequest = 2'000'000'000'000'000'000;

// A time that never comes: far enough away, and still some 146 years short of an overflow.
inline constexpr int64_t kNeverNs = int64_t{1} << 62;

}  // namespace loadtest
