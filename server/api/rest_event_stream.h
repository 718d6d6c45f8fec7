// A load test watched over HTTP: server-sent events.
//
//   event: update        data: LoadTestUpdate as JSON on one line; as the gRPC door streams them
//   event: end           data: {} when the test has ended, else an error object; the connection
//   closes after it : keep-alive         a comment, when nothing else was sent for a while
#pragma once

#include "loadtest/v1/service.pb.h"
#include "server/api/rest_connection.h"
#include "server/api/rest_message.h"

namespace loadtest {

// Takes over the connection of a request for an event stream. An error that comes before the first
// update (NOT_FOUND ...) is an ordinary error response.
template <typename Stream>  // PlainStream or TlsStream
void StartRestEventStream(Stream stream, const RestContext& context,
                          const v1::WatchLoadTestRequest& request);

}  // namespace loadtest
