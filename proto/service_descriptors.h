// service.proto and what it imports, with their comments, as the build found them.
#pragma once

#include <string_view>

namespace loadtest {

// A serialized google.protobuf.FileDescriptorSet with source info.
std::string_view ServiceDescriptors();

}  // namespace loadtest
