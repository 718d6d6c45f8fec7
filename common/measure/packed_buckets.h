// The non-empty buckets of a histogram in as little memory as they need.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace loadtest {

// Two varints a bucket, in the order of their indices: the difference to the index before, and the
// count. Two or three bytes a bucket instead of eight for each bucket that could be; adding costs a
// pass over both sides, so it is for sums that grow once a second and not once a request.
//
// Not thread-safe.
class PackedBuckets {
 public:
  // Calls take(index, count) in ascending order until it returns false.
  template <typename Take>
  void ForEach(const Take& take) const {
    Reader in{bytes_};
    int index = 0;
    while (!in.done()) {
      index += static_cast<int>(in.Next());
      if (!take(index, in.Next())) return;
    }
  }

  // Adds buckets that `next` gives one after the other, in ascending order: a pair of index and
  // count, the count 0 when there are no more.
  template <typename Next>
  void Add(Next next) {
    std::string sum;
    sum.reserve(bytes_.size() + 16);
    int last = 0;
    const auto put = [&](int index, uint64_t count) {
      Put(static_cast<uint64_t>(index - last), sum);
      Put(count, sum);
      last = index;
    };
    std::pair<int, uint64_t> theirs = next();
    ForEach([&](int index, uint64_t count) {
      for (; theirs.second != 0 && theirs.first < index; theirs = next())
        put(theirs.first, theirs.second);
      if (theirs.second != 0 && theirs.first == index) {
        count += theirs.second;
        theirs = next();
      }
      put(index, count);
      return true;
    });
    for (; theirs.second != 0; theirs = next()) put(theirs.first, theirs.second);
    Keep(sum);
  }

  void Clear() { bytes_.clear(); }
  // Bytes held.
  size_t memory() const { return bytes_.capacity(); }

 private:
  struct Reader {
    const std::string& bytes;
    size_t at = 0;
    bool done() const { return at == bytes.size(); }
    uint64_t Next() {
      uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<uint8_t>(bytes[at++]);
        value |= static_cast<uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    }
  };

  static void Put(uint64_t value, std::string& out) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value));
  }

  // Takes `sum` over with little room to spare.
  void Keep(const std::string& sum) {
    if (sum.size() > bytes_.capacity()) {
      std::string larger;
      larger.reserve(sum.size() + sum.size() / 8);
      bytes_.swap(larger);
    }
    bytes_.assign(sum);
  }

  std::string bytes_;
};

}  // namespace loadtest
