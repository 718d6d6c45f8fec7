// Where a driver may send load to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace loadtest {

// An IPv4 or IPv6 network; a single address is a network of full length.
class IpNetwork {
 public:
  // "10.1.0.0/16", "10.1.2.3", "fd00::/8". Nothing when `text` is neither an address nor a network.
  // What is mapped into IPv6 (::ffff:10.1.2.3, RFC 4291 section 2.5.5.2) is the IPv4 it stands for.
  static std::optional<IpNetwork> Parse(std::string_view text);

  bool Contains(const IpNetwork& address) const;

 private:
  void UnwrapMapped();

  bool is_v4_ = false;
  int prefix_bits_ = 0;
  std::array<uint8_t, 16> bytes_{};
};

// The list of driver.allowed_targets: names ("api.example.com"), names below one ("*.example.com"),
// addresses, networks, or "*" for everything. An empty list allows everything; whether a driver may
// have one is decided where it starts.
//
// Immutable; thread-safe.
class TargetPolicy {
 public:
  // Allows everything.
  TargetPolicy() = default;

  // InvalidArgument names the entry: `driver.allowed_targets[1]: got "10.0.0.0/33", want ...`.
  static absl::StatusOr<TargetPolicy> Create(const std::vector<std::string>& entries);

  bool empty() const { return entries_.empty(); }

  // Before `host` (a name or an address) is resolved: PermissionDenied when it can already be said
  // that it is not allowed. A name that no entry names may still have an allowed address.
  absl::Status CheckHost(std::string_view host) const;

  // After `host` was resolved to the address `ip`.
  absl::Status CheckAddress(std::string_view host, std::string_view ip) const;

  // Whether `host` may be asked for pages of `name`, by a Host header or in TLS. A host that is
  // allowed by its name may be a proxy with other sites behind it: these must be allowed too.
  absl::Status CheckServedName(std::string_view host, std::string_view name) const;

 private:
  bool AllowsByName(std::string_view host) const;
  bool AllowsByNetwork(const IpNetwork& address) const;
  absl::Status Denied(std::string_view what) const;

  std::vector<std::string> entries_;
  bool allows_all_ = false;
  // In lower case; one that begins with "." stands for all names that end with it.
  std::vector<std::string> names_;
  std::vector<IpNetwork> networks_;
};

}  // namespace loadtest
