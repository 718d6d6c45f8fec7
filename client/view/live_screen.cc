#include "client/view/live_screen.h"

#include <algorithm>
#include <vector>

#include "client/view/layout.h"
#include "client/view/live_sections.h"
#include "client/view/screen_sections.h"

namespace loadtest {
namespace {

// In their order from top to bottom.
std::vector<Section> SectionsOf(const LiveScene& scene) {
  const int errors = ErrorRows(scene);
  const int drivers = scene.update.drivers_size();
  const int events = static_cast<int>(scene.state.events().size());
  const int thresholds = scene.update.thresholds_size();
  std::vector<Section> sections;
  sections.push_back(
      {.least = 1, .good = 3, .most = 3, .priority = 0, .draw = [&scene](int row, int rows) {
         DrawHead(scene, row, rows);
       }});
  sections.push_back({.priority = 1, .draw = [&scene](int row, int) { DrawProgress(scene, row); }});
  if (scene.has_numbers()) {
    sections.push_back({.least = scene.has_charts() ? 4 : 3,
                        .good = scene.has_charts() ? 8 : 10,
                        .most = scene.has_charts() ? 24 : 10,
                        .priority = 3,
                        .draw = [&scene](int row, int rows) { DrawNumbers(scene, row, rows); }});
  }
  if (thresholds > 0) {
    sections.push_back({.good = thresholds,
                        .most = thresholds,
                        .priority = 4,
                        .draw = [&scene](int row, int rows) { DrawThresholds(scene, row, rows); }});
  }
  if (scene.has_numbers()) {
    sections.push_back({.good = std::min(errors, 3),
                        .most = errors,
                        .priority = 5,
                        .draw = [&scene](int row, int rows) { DrawErrors(scene, row, rows); }});
  }
  if (drivers > 0) {
    sections.push_back({.least = 2,
                        .good = std::min(drivers, 4) + 1,
                        .most = drivers + 1,
                        .priority = 7,
                        .draw = [&scene](int row, int rows) { DrawDrivers(scene, row, rows); }});
  }
  if (events > 0) {
    sections.push_back({.good = std::min(events, 2),
                        .most = std::min(events, 8),
                        .priority = 8,
                        .draw = [&scene](int row, int rows) { DrawEvents(scene, row, rows); }});
  }
  const int verdict = VerdictRows(scene);
  const int with_reasons = VerdictRowsWithReasons(scene);
  sections.push_back({.good = std::min(with_reasons, verdict + 2),
                      .most = std::min(with_reasons, verdict + 6),
                      .priority = 2,
                      .draw = [&scene](int row, int rows) { DrawVerdict(scene, row, rows); }});
  return sections;
}

}  // namespace

LiveScene::LiveScene(const LiveState& live_state, const LiveScreenOptions& screen_options,
                     Canvas& screen)
    : state(live_state),
      update(live_state.update()),
      test(update.load_test()),
      options(screen_options),
      canvas(screen),
      drivers(std::max(update.drivers_size(), test.assignments_size())) {}

Canvas LiveScreen(const LiveState& state, const LiveScreenOptions& options) {
  Canvas canvas(options.columns, options.rows);
  const LiveScene scene(state, options, canvas);
  DrawSections(SectionsOf(scene), options.rows - 1);
  canvas.Put(options.rows - 1, 0, Clip(options.footer, std::max(options.columns, 0)), Ink::kFaint);
  return canvas;
}

}  // namespace loadtest
