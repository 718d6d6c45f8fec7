// The non-empty buckets of a histogram in little memory, quick to add to.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace loadtest {

// A bit for each bucket between the first and the last that is not empty, and the counts of those
// whose bit is set, one after the other: where a count stands is the number of bits before it. Four
// bytes a bucket that is not empty and 80 bytes for every 512 that could be; eight bytes a bucket
// once a count has passed 2^32. Adding to buckets that are there, as most of a part's are, finds
// each without a search.
//
// Not thread-safe.
class PackedBuckets {
 public:
  // Calls take(index, count) in ascending order until it returns false.
  template <typename Take>
  void ForEach(const Take& take) const {
    size_t at = 0;
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t bits = words_[w].bits; bits != 0; bits &= bits - 1, ++at) {
        if (!take(static_cast<int>((first_word_ + w) * 64) + std::countr_zero(bits), CountAt(at)))
          return;
      }
    }
  }

  // Adds `n` buckets in ascending order: each one's index, as the difference to the one before (the
  // first to 0), and its count, which is not 0.
  void Add(const uint32_t* index_deltas, const uint64_t* counts, size_t n);

  void Clear() {
    words_.clear();
    low_.clear();
    high_.clear();
  }
  // Bytes held.
  size_t memory() const {
    return words_.capacity() * sizeof(Word) +
           (low_.capacity() + high_.capacity()) * sizeof(uint32_t);
  }

 private:
  struct Word {
    uint64_t bits = 0;
    uint32_t before = 0;  // bits that are set in the words before it
  };

  using Buckets = std::vector<std::pair<int, uint64_t>>;

  // Adds to buckets that are there, and says which are not. `ones` counts the bits of a word.
  template <typename Ones>
  Buckets AddToThose(const uint32_t* index_deltas, const uint64_t* counts, size_t n, Ones ones);
  Buckets AddToThoseByInstruction(const uint32_t* index_deltas, const uint64_t* counts, size_t n);

  uint64_t CountAt(size_t at) const {
    return low_[at] | (high_.empty() ? 0 : static_cast<uint64_t>(high_[at]) << 32);
  }

  // Adds to the upper bits of a count.
  void Carry(size_t at, uint64_t high);
  void AddAt(size_t at, uint64_t count);
  // Where the count of a bucket stands, or would stand.
  size_t PlaceOf(int index) const;
  // Buckets that are not there and have words.
  void Insert(const Buckets& added);
  // Has words for all buckets from word `low` to word `high`.
  void Cover(size_t low, size_t high);
  // With little room to spare.
  void Grow(size_t size);

  size_t first_word_ = 0;  // index / 64 of the buckets of words_[0]
  std::vector<Word> words_;
  // The counts, by their lower and upper 32 bits; high_ is empty while all of it would be 0.
  std::vector<uint32_t> low_;
  std::vector<uint32_t> high_;
};

}  // namespace loadtest
