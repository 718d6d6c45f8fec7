// What test it is, and how far it has come.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "client/view/characters.h"
#include "client/view/layout.h"
#include "client/view/live_sections.h"
#include "common/base/time.h"
#include "common/base/units.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr int64_t kLongSilenceNs = 3 * kNanosPerSecond;

// Since the common start, at the newest update. By the plan where that says how long the test is:
// intervals are known late.
double KnownSeconds(const LiveScene& scene) {
  const v1::LoadTestSpec& spec = scene.test.spec();
  const bool ends_by_time = IsOpenLoop(spec) || spec.requests_per_driver() == 0;
  const double planned = LongestSendingNs(spec, scene.drivers);
  const auto measured = static_cast<double>(scene.state.interval().end_offset_ns());
  if (!ends_by_time || planned <= 0) return measured / 1e9;
  return std::max(measured, scene.update.progress() * planned) / 1e9;
}

// Now, as if the test had gone on evenly since the newest update.
double ElapsedSeconds(const LiveScene& scene) {
  return KnownSeconds(scene) + static_cast<double>(scene.options.age_ns) / 1e9;
}

}  // namespace

std::string WholeSeconds(double seconds) {
  return FormatDuration(std::llround(std::max(seconds, 0.0)) * kNanosPerSecond);
}

void DrawHead(const LiveScene& scene, int row, int rows) {
  std::string_view id = scene.test.name();
  id.remove_prefix(id.rfind('/') + 1);
  const int end = scene.canvas.Put(row, 0, id, Ink::kStrong);
  std::string state = absl::AsciiStrToLower(v1::LoadTest::State_Name(scene.test.state()));
  if (scene.state.is_warming_up() && scene.test.state() == v1::LoadTest::RUNNING) state = "warm-up";
  scene.canvas.Put(row, end + 2, state, Ink::kGood);
  const std::string silence =
      scene.options.age_ns >= kLongSilenceNs && scene.state.is_sending()
          ? "no news for " + WholeSeconds(static_cast<double>(scene.options.age_ns) / 1e9)
          : "";
  const int after_state = end + 2 + static_cast<int>(state.size());
  if (!silence.empty()) {
    scene.canvas.PutRight(row, scene.columns(), silence, Ink::kWarning);
  } else if (const std::string& title = scene.test.spec().title();
             !title.empty() && after_state + 2 + ColumnsOf(title) <= scene.columns()) {
    scene.canvas.PutRight(row, scene.columns(), title, Ink::kFaint);
  }
  if (rows > 1) scene.PutClipped(row + 1, 0, DescribeSpec(scene.test.spec(), scene.drivers));
  if (rows > 2) {
    const v1::HttpRequest& request = scene.test.spec().request();
    scene.PutClipped(row + 2, 0, request.method() + " " + request.url());
  }
}

void DrawProgress(const LiveScene& scene, int row) {
  if (!scene.state.is_sending()) {
    std::string text = scene.test.state_reason();
    if (text.empty() && scene.test.state() == v1::LoadTest::STARTING) {
      text = Plural(scene.test.assignments_size(), "driver") + " get ready";
    }
    scene.canvas.Put(row, 0, text);
    return;
  }
  double progress = std::clamp(scene.update.progress(), 0.0, 1.0);
  std::string left;
  if (scene.test.state() == v1::LoadTest::STOPPING) {
    left = "stopping";
  } else if (progress > 0 && scene.has_numbers()) {
    const double whole = KnownSeconds(scene) / progress;
    progress = std::min(1.0, ElapsedSeconds(scene) / whole);
    left = WholeSeconds(std::max(whole - ElapsedSeconds(scene), 0.0)) + " left";
  }
  // 100 % is said when all is done, not when it is nearly so.
  const std::string percent =
      absl::StrFormat("%3d %%  ", static_cast<int>(std::floor(progress * 100)));
  const std::string after = absl::StrFormat("  %s%s%s", WholeSeconds(ElapsedSeconds(scene)),
                                            left.empty() ? "" : ", ", left);
  // As wide for every time, so that the bar stands still.
  const int room = scene.columns() - ColumnsOf(percent) - std::max(ColumnsOf(after), 18);
  scene.canvas.Put(row, 0, percent);
  int column = ColumnsOf(percent);
  const double full = progress * std::max(room, 0);
  for (int i = 0; i < room; ++i) {
    const double part = full - i;
    if (!scene.options.unicode) {
      scene.canvas.Put(row, column++, part >= 1 ? "#" : "-", part >= 1 ? Ink::kRate : Ink::kFaint);
    } else {
      scene.canvas.Put(row, column++,
                       part >= 1     ? "━"
                       : part >= 0.5 ? "╸"
                                     : "━",
                       part >= 0.5 ? Ink::kRate : Ink::kFaint);
    }
  }
  scene.canvas.Put(row, column, after);
}

}  // namespace loadtest
