#include "common/spec/body_parts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

constexpr size_t kMostBodies = 4;
constexpr int kMostParts = static_cast<int>(kLargestBody / kBodyPartBytes);

}  // namespace

std::vector<v1::BodyPart> SplitBody(const std::string& body) {
  std::vector<v1::BodyPart> parts((body.size() + kBodyPartBytes - 1) / kBodyPartBytes);
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i].set_index(static_cast<int32_t>(i));
    parts[i].set_parts(static_cast<int32_t>(parts.size()));
    parts[i].set_data(body.substr(i * kBodyPartBytes, kBodyPartBytes));
  }
  return parts;
}

absl::Status CheckBodyPart(const v1::BodyPart& part) {
  if (part.parts() < 1 || part.parts() > kMostParts) {
    return absl::InvalidArgumentError(
        absl::StrFormat("body_part.parts: got %d, want 1 to %d", part.parts(), kMostParts));
  }
  if (part.index() < 0 || part.index() >= part.parts()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("body_part.index: got %d, want 0 to %d", part.index(), part.parts() - 1));
  }
  if (part.data().empty() || part.data().size() > kBodyPartBytes) {
    return absl::InvalidArgumentError(absl::StrFormat("body_part.data: got %d bytes, want 1 to %d",
                                                      part.data().size(), kBodyPartBytes));
  }
  return absl::OkStatus();
}

void BodyCollector::Add(const std::string& test_id, const v1::BodyPart& part) {
  const auto known = std::find_if(bodies_.begin(), bodies_.end(),
                                  [&](const Body& body) { return body.test_id == test_id; });
  if (part.index() == 0) {
    if (known != bodies_.end()) bodies_.erase(known);
    if (bodies_.size() == kMostBodies) bodies_.pop_front();
    bodies_.push_back({.test_id = test_id, .bytes = part.data(), .next = 1, .parts = part.parts()});
    return;
  }
  if (known == bodies_.end()) return;
  if (part.index() != known->next || part.parts() != known->parts) {
    bodies_.erase(known);
    return;
  }
  known->bytes += part.data();
  ++known->next;
}

std::optional<std::string> BodyCollector::Take(const std::string& test_id, size_t size) {
  const auto known = std::find_if(bodies_.begin(), bodies_.end(),
                                  [&](const Body& body) { return body.test_id == test_id; });
  if (known == bodies_.end()) return std::nullopt;
  Body body = std::move(*known);
  bodies_.erase(known);
  if (body.next != body.parts || body.bytes.size() != size) return std::nullopt;
  return std::move(body.bytes);
}

void BodyCollector::Forget(const std::string& test_id) {
  std::erase_if(bodies_, [&](const Body& body) { return body.test_id == test_id; });
}

}  // namespace loadtest
