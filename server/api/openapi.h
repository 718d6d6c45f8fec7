// The OpenAPI 3.1 document of the REST door, made from the routes and from the proto files.
#pragma once

#include <span>
#include <string>

namespace loadtest {

struct RestRoute;

// JSON. Every route but the files of the web page; schemas and texts are those of service.proto.
// `wants_token`: whether this orchestrator asks for one.
std::string OpenApiDocument(std::span<const RestRoute> routes, bool wants_token);

}  // namespace loadtest
