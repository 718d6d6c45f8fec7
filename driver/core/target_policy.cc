#include "driver/core/target_policy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace loadtest {
namespace {

std::string LowerCase(std::string_view text) { return absl::AsciiStrToLower(std::string(text)); }

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
  });
}

// What looks like an address or a network must be a right one: "10.1.0.0.0" is no name.
bool LooksNumeric(std::string_view text) {
  return text.find_first_not_of("0123456789./") == std::string_view::npos ||
         text.find(':') != std::string_view::npos || text.find('/') != std::string_view::npos;
}

}  // namespace

std::optional<IpNetwork> IpNetwork::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  IpNetwork network;
  if (inet_pton(AF_INET, address.c_str(), network.bytes_.data()) == 1) {
    network.is_v4_ = true;
  } else if (inet_pton(AF_INET6, address.c_str(), network.bytes_.data()) != 1) {
    return std::nullopt;
  }
  const int all_bits = network.is_v4_ ? 32 : 128;
  network.prefix_bits_ = all_bits;
  if (slash != std::string_view::npos) {
    const std::string_view bits = text.substr(slash + 1);
    const auto parsed =
        std::from_chars(bits.data(), bits.data() + bits.size(), network.prefix_bits_);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == bits.data() + bits.size();
    if (!whole || network.prefix_bits_ < 0 || network.prefix_bits_ > all_bits) return std::nullopt;
  }
  network.UnwrapMapped();
  return network;
}

void IpNetwork::UnwrapMapped() {
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr int kMappedBits = 96;
  if (is_v4_ || prefix_bits_ < kMappedBits ||
      !std::equal(kMapped.begin(), kMapped.end(), bytes_.begin())) {
    return;
  }
  std::copy(bytes_.begin() + kMapped.size(), bytes_.end(), bytes_.begin());
  prefix_bits_ -= kMappedBits;
  is_v4_ = true;
}

bool IpNetwork::Contains(const IpNetwork& address) const {
  if (is_v4_ != address.is_v4_) return false;
  const int whole_bytes = prefix_bits_ / 8;
  if (!std::equal(bytes_.begin(), bytes_.begin() + whole_bytes, address.bytes_.begin()))
    return false;
  const int rest_bits = prefix_bits_ % 8;
  if (rest_bits == 0) return true;
  const int shift = 8 - rest_bits;
  return bytes_[whole_bytes] >> shift == address.bytes_[whole_bytes] >> shift;
}

absl::StatusOr<TargetPolicy> TargetPolicy::Create(const std::vector<std::string>& entries) {
  TargetPolicy policy;
  policy.entries_ = entries;
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string& entry = entries[i];
    if (entry == "*") {
      policy.allows_all_ = true;
    } else if (const std::optional<IpNetwork> network = IpNetwork::Parse(entry)) {
      policy.networks_.push_back(*network);
    } else if (!LooksNumeric(entry) && IsName(entry)) {
      policy.names_.push_back(LowerCase(entry));
    } else if (entry.size() > 2 && entry[0] == '*' && entry[1] == '.' && IsName(entry.substr(2))) {
      policy.names_.push_back(LowerCase(entry.substr(1)));
    } else {
      return absl::InvalidArgumentError(
          absl::StrFormat("driver.allowed_targets[%d]: got \"%s\", want a name, *.NAME, an "
                          "address, a network such as "
                          "10.1.0.0/16, or *",
                          i, entry));
    }
  }
  return policy;
}

absl::Status TargetPolicy::CheckHost(std::string_view host) const {
  if (AllowsByName(host)) return absl::OkStatus();
  const std::optional<IpNetwork> address = IpNetwork::Parse(host);
  if (address ? AllowsByNetwork(*address) : !networks_.empty()) return absl::OkStatus();
  return Denied(host);
}

absl::Status TargetPolicy::CheckAddress(std::string_view host, std::string_view ip) const {
  if (AllowsByName(host)) return absl::OkStatus();
  const std::optional<IpNetwork> address = IpNetwork::Parse(ip);
  if (address && AllowsByNetwork(*address)) return absl::OkStatus();
  if (host == ip) return Denied(host);
  return Denied(absl::StrFormat("%s (%s)", host, ip));
}

absl::Status TargetPolicy::CheckServedName(std::string_view host, std::string_view name) const {
  const std::optional<IpNetwork> address = IpNetwork::Parse(host);
  const bool by_address = !AllowsByName(host) || (address && AllowsByNetwork(*address));
  if (by_address || AllowsByName(name)) return absl::OkStatus();
  return Denied(absl::StrFormat("%s asked for as \"%s\"", host, name));
}

bool TargetPolicy::AllowsByName(std::string_view host) const {
  if (allows_all_ || entries_.empty()) return true;
  const std::string name = LowerCase(host);
  return std::any_of(names_.begin(), names_.end(), [&](const std::string& allowed) {
    return name == allowed || (allowed.front() == '.' && absl::EndsWith(name, allowed));
  });
}

bool TargetPolicy::AllowsByNetwork(const IpNetwork& address) const {
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const IpNetwork& network) { return network.Contains(address); });
}

absl::Status TargetPolicy::Denied(std::string_view what) const {
  return absl::PermissionDeniedError(
      absl::StrFormat("target %s: this driver may only load %s; allow it there with --allow or "
                      "driver.allowed_targets",
                      what, absl::StrJoin(entries_, ", ")));
}

}  // namespace loadtest
