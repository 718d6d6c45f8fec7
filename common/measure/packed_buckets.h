// The non-empty buckets of a histogram in little memory, quick to add to.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace loadtest {

// A bit for each bucket between the first and the last that is not empty, and the counts of those
// whose bit is set, one after the other: where a count stands is the number of bits before it. Four
// bytes a bucket that is not empty and 80 bytes for every 512 that could be; eight bytes a bucket
// once a count has passed 2^32. Adding to buckets that are there, as most of a part's are, finds each
// without a search.
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

  // Adds buckets that `next` gives one after the other, in ascending order and each once: a pair of
  // index and count, the count 0 when there are no more.
  template <typename Next>
  void Add(Next next) {
    std::vector<std::pair<int, uint64_t>> added;  // to buckets that were empty
    for (std::pair<int, uint64_t> theirs = next(); theirs.second != 0; theirs = next()) {
      const size_t w = static_cast<size_t>(theirs.first) / 64 - first_word_;  // wraps below it
      const uint64_t bit = uint64_t{1} << (theirs.first % 64);
      if (w < words_.size() && (words_[w].bits & bit) != 0) {
        AddAt(words_[w].before + Ones(words_[w].bits & (bit - 1)), theirs.second);
      } else {
        added.push_back(theirs);
      }
    }
    if (added.empty()) return;
    Cover(static_cast<size_t>(added.front().first) / 64,
          static_cast<size_t>(added.back().first) / 64);
    Insert(added);
  }

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

  // std::popcount is a call and a table where the processor need not have an instruction for it.
  static uint32_t Ones(uint64_t x) {
    x -= (x >> 1) & 0x5555555555555555;
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return static_cast<uint32_t>((x * 0x0101010101010101) >> 56);
  }

  uint64_t CountAt(size_t at) const {
    return low_[at] | (high_.empty() ? 0 : static_cast<uint64_t>(high_[at]) << 32);
  }

  void AddAt(size_t at, uint64_t count) {
    const uint64_t sum = low_[at] + count;
    low_[at] = static_cast<uint32_t>(sum);
    if (sum >> 32 == 0) return;
    if (high_.empty()) high_.resize(low_.size());
    high_[at] += static_cast<uint32_t>(sum >> 32);
  }

  // Where the count of a bucket stands, or would stand.
  size_t PlaceOf(int index) const {
    const Word& word = words_[static_cast<size_t>(index) / 64 - first_word_];
    return word.before + Ones(word.bits & ((uint64_t{1} << (index % 64)) - 1));
  }

  // Buckets that are not there and have words. From the end, so that each count moves once.
  void Insert(const std::vector<std::pair<int, uint64_t>>& added) {
    size_t from = low_.size();
    size_t to = from + added.size();
    Grow(to);
    for (auto next = added.rbegin(); next != added.rend(); ++next) {
      const size_t place = PlaceOf(next->first);
      for (std::vector<uint32_t>* column : {&low_, &high_}) {
        if (column->empty()) continue;
        const auto begin = column->begin();
        std::move_backward(begin + static_cast<ptrdiff_t>(place),
                           begin + static_cast<ptrdiff_t>(from),
                           begin + static_cast<ptrdiff_t>(to));
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

  // Has words for all buckets from word `low` to word `high`.
  void Cover(size_t low, size_t high) {
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

  // With little room to spare.
  void Grow(size_t size) {
    for (std::vector<uint32_t>* column : {&low_, &high_}) {
      if (column == &high_ && high_.empty()) continue;
      if (size > column->capacity()) column->reserve(size + size / 8);
      column->resize(size);
    }
  }

  size_t first_word_ = 0;  // index / 64 of the buckets of words_[0]
  std::vector<Word> words_;
  // The counts, by their lower and upper 32 bits; high_ is empty while all of it would be 0.
  std::vector<uint32_t> low_;
  std::vector<uint32_t> high_;
};

}  // namespace loadtest
