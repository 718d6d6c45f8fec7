#include "common/measure/packed_buckets.h"

#include <algorithm>

namespace loadtest {
namespace {

// Bits of x that are set. Where the processor need not have an instruction for it, std::popcount is
// a call and a table; this is quicker.
inline uint32_t Ones(uint64_t x) {
  x -= (x >> 1) & 0x5555555555555555;
  x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<uint32_t>((x * 0x0101010101010101) >> 56);
}

#if defined(__x86_64__)
#define LOADTEST_WITH_POPCNT __attribute__((target("popcnt")))
const bool kHasPopcnt = __builtin_cpu_supports("popcnt");
#else
#define LOADTEST_WITH_POPCNT
constexpr bool kHasPopcnt = true;  // the compiler knows better than Ones
#endif

}  // namespace

// Inlined, so that each of the two functions it is part of is compiled for its processors.
template <typename CountOnes>
[[gnu::always_inline]] inline PackedBuckets::Buckets PackedBuckets::AddToThose(
    const uint32_t* index_deltas, const uint64_t* counts, size_t n, CountOnes ones) {
  Buckets others;
  // At hand: for all the compiler knows, what is written below could be these.
  const Word* const words = words_.data();
  const size_t size = words_.size();
  const size_t first_word = first_word_;
  uint32_t* const low = low_.data();
  size_t index = 0;
  for (size_t i = 0; i < n; ++i) {
    index += index_deltas[i];
    const uint64_t count = counts[i];
    const size_t w = index / 64 - first_word;  // wraps below it
    const uint64_t bit = uint64_t{1} << (index % 64);
    if (w < size && (words[w].bits & bit) != 0) [[likely]] {
      const size_t at = words[w].before + ones(words[w].bits & (bit - 1));
      const uint64_t sum = low[at] + count;
      low[at] = static_cast<uint32_t>(sum);
      if (sum >> 32 != 0) [[unlikely]]
        Carry(at, sum >> 32);
    } else {
      others.emplace_back(static_cast<int>(index), count);
    }
  }
  return others;
}

LOADTEST_WITH_POPCNT PackedBuckets::Buckets PackedBuckets::AddToThoseByInstruction(
    const uint32_t* index_deltas, const uint64_t* counts, size_t n) {
  return AddToThose(index_deltas, counts, n,
                    [](uint64_t x) { return static_cast<uint32_t>(std::popcount(x)); });
}

void PackedBuckets::Add(const uint32_t* index_deltas, const uint64_t* counts, size_t n) {
  const Buckets added = kHasPopcnt ? AddToThoseByInstruction(index_deltas, counts, n)
                                   : AddToThose(index_deltas, counts, n, Ones);
  if (added.empty()) return;
  Cover(static_cast<size_t>(added.front().first) / 64,
        static_cast<size_t>(added.back().first) / 64);
  Insert(added);
}

void PackedBuckets::Carry(size_t at, uint64_t high) {
  if (high_.empty()) high_.resize(low_.size());
  high_[at] += static_cast<uint32_t>(high);
}

void PackedBuckets::AddAt(size_t at, uint64_t count) {
  const uint64_t sum = low_[at] + count;
  low_[at] = static_cast<uint32_t>(sum);
  if (sum >> 32 != 0) Carry(at, sum >> 32);
}

size_t PackedBuckets::PlaceOf(int index) const {
  const Word& word = words_[static_cast<size_t>(index) / 64 - first_word_];
  return word.before + Ones(word.bits & ((uint64_t{1} << (index % 64)) - 1));
}

// From the end, so that each count moves once.
void PackedBuckets::Insert(const Buckets& added) {
  size_t from = low_.size();
  size_t to = from + added.size();
  Grow(to);
  for (auto next = added.rbegin(); next != added.rend(); ++next) {
    const size_t place = PlaceOf(next->first);
    for (std::vector<uint32_t>* column : {&low_, &high_}) {
      if (column->empty()) continue;
      const auto begin = column->begin();
      std::move_backward(begin + static_cast<ptrdiff_t>(place),
                         begin + static_cast<ptrdiff_t>(from), begin + static_cast<ptrdiff_t>(to));
      (*column)[to - (from - place) - 1] = 0;
    }
    to -= from - place + 1;
    from = place;
  }
  for (const auto& [index, count] : added)
    words_[static_cast<size_t>(index) / 64 - first_word_].bits |= uint64_t{1} << (index % 64);
  uint32_t before = 0;
  for (Word& word : words_) {
    word.before = before;
    before += Ones(word.bits);
  }
  for (const auto& [index, count] : added) AddAt(PlaceOf(index), count);
}

void PackedBuckets::Cover(size_t low, size_t high) {
  if (words_.empty()) {
    first_word_ = low;
  } else {
    low = std::min(low, first_word_);
    high = std::max(high, first_word_ + words_.size() - 1);
  }
  if (words_.size() == high - low + 1) return;
  std::vector<Word> wider(high - low + 1, {.before = static_cast<uint32_t>(low_.size())});
  const size_t shift = first_word_ - low;
  std::fill_n(wider.begin(), shift, Word());
  std::copy(words_.begin(), words_.end(), wider.begin() + static_cast<ptrdiff_t>(shift));
  words_.swap(wider);
  first_word_ = low;
}

void PackedBuckets::Grow(size_t size) {
  for (std::vector<uint32_t>* column : {&low_, &high_}) {
    if (column == &high_ && high_.empty()) continue;
    if (size > column->capacity()) column->reserve(size + size / 8);
    column->resize(size);
  }
}

}  // namespace loadtest
