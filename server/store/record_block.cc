#include "server/store/record_block.h"

#include <zstd.h>

#include <cstdint>

namespace loadtest {
namespace {

// Level 3 is what zstd recommends; higher ones take several times the CPU for a few percent.
constexpr int kLevel = 3;
// A block that says it is larger is damaged: blocks are packed from some megabytes.
constexpr unsigned long long kLargestBlock = 256 << 20;

void PutVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Reads from the front of a text; what is read past the end is 0 and remembered.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool failed() const { return failed_; }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (text_.empty()) break;
      const auto byte = static_cast<uint8_t>(text_.front());
      text_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }

  std::string Text(uint64_t size) {
    if (size > text_.size()) {
      failed_ = true;
      return "";
    }
    std::string out(text_.substr(0, size));
    text_.remove_prefix(size);
    return out;
  }

 private:
  std::string_view text_;
  bool failed_ = false;
};

absl::Status Damaged() { return absl::DataLossError("a block of records is damaged"); }

}  // namespace

std::string PackRecords(const std::vector<Record>& records) {
  std::string plain;
  for (const Record& r : records) {
    PutVarint(r.key.size(), plain);
    PutVarint(r.message_type.size(), plain);
    PutVarint(r.value.size(), plain);
    PutVarint(static_cast<uint64_t>(r.topic), plain);
    PutVarint(static_cast<uint32_t>(r.partition), plain);
    PutVarint(static_cast<uint64_t>(r.offset), plain);
    PutVarint(static_cast<uint64_t>(r.timestamp.ns), plain);
    plain += r.key;
    plain += r.message_type;
    plain += r.value;
  }
  std::string block(ZSTD_compressBound(plain.size()), '\0');
  const size_t size = ZSTD_compress(block.data(), block.size(), plain.data(), plain.size(), kLevel);
  // With room for the bound it fails only for lack of memory; an empty block is refused on reading.
  block.resize(ZSTD_isError(size) ? 0 : size);
  return block;
}

absl::Status UnpackRecords(std::string_view block, const std::function<bool(const Record&)>& take) {
  const unsigned long long size = ZSTD_getFrameContentSize(block.data(), block.size());
  // The two values for "unknown" and "no frame" are the largest there are.
  if (size > kLargestBlock) return Damaged();
  std::string plain(size, '\0');
  if (ZSTD_decompress(plain.data(), plain.size(), block.data(), block.size()) != size)
    return Damaged();
  Reader in(plain);
  while (!in.done()) {
    const uint64_t key = in.Varint();
    const uint64_t type = in.Varint();
    const uint64_t value = in.Varint();
    Record record;
    record.topic = static_cast<Topic>(in.Varint());
    record.partition = static_cast<int32_t>(in.Varint());
    record.offset = static_cast<int64_t>(in.Varint());
    record.timestamp.ns = static_cast<int64_t>(in.Varint());
    record.key = in.Text(key);
    record.message_type = in.Text(type);
    record.value = in.Text(value);
    if (in.failed()) return Damaged();
    if (!take(record)) break;
  }
  return absl::OkStatus();
}

}  // namespace loadtest
