// What the orchestrator shows of a load test: all of it but secrets and what is too large to show.
#pragma once

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Bodies up to this size are shown; of larger ones body_bytes tells.
inline constexpr size_t kLargestShownBody = 256 << 10;

// Instead of a client's key.
inline constexpr char kNotShown[] = "(not shown)";

inline void HideSecrets(v1::LoadTestSpec& spec) {
  if (!spec.tls().client_key().empty()) spec.mutable_tls()->set_client_key(kNotShown);
  if (spec.request().body().size() > kLargestShownBody) spec.mutable_request()->clear_body();
}

inline v1::LoadTest Shown(const v1::LoadTest& test) {
  v1::LoadTest shown = test;
  HideSecrets(*shown.mutable_spec());
  return shown;
}

}  // namespace loadtest
