// Seeds of binary messages that a person can read: protobuf's text form, made binary before it is
// mutated.
#pragma once

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace loadtest {

// A seed file is a line "# KIND" and a message in text form; anything else is bytes of a message.
// KIND goes to `kind`, the rest to `text`. False when it is no seed.
inline bool IsTextSeed(std::string_view input, std::string& kind, std::string& text) {
  if (input.substr(0, 2) != "# ") return false;
  const size_t end = input.find('\n');
  if (end == std::string_view::npos) return false;
  kind = input.substr(2, end - 2);
  text = input.substr(end + 1);
  return true;
}

inline bool ParseText(const std::string& text, google::protobuf::Message& message) {
  return google::protobuf::TextFormat::ParseFromString(text, &message);
}

}  // namespace loadtest

#ifdef LOADTEST_FUZZ
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// To be defined by the target: the bytes that a seed stands for.
std::string BinaryInput(std::string_view input);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int) {
  const std::string binary =
      BinaryInput(std::string_view(reinterpret_cast<const char*>(data), size));
  size = std::min(binary.size(), max_size);
  std::memcpy(data, binary.data(), size);
  return LLVMFuzzerMutate(data, size, max_size);
}
#endif
