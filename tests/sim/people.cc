// The people of a world: they make tests, stop and delete them, and ask again when nobody answers.
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "tests/sim/world.h"

namespace loadtest::sim {
namespace {

constexpr int64_t kAskAgainNs = kNanosPerSecond;
// An answer that has not come by then will not come.
constexpr int64_t kAnswerWithinNs = 8 * kNanosPerSecond;

}  // namespace

SimOrchestrator* World::AnyServing() {
  std::vector<SimOrchestrator*> serving;
  for (Office& office : offices_) {
    if (office.orchestrator != nullptr && office.orchestrator->serving() &&
        timeline_.now() >= office.frozen_until_ns)
      serving.push_back(office.orchestrator.get());
  }
  if (serving.empty()) return nullptr;
  return serving[static_cast<size_t>(random_.Between(0, static_cast<int64_t>(serving.size()) - 1))];
}

void World::Ask(size_t test) {
  AskedTest& asked = asked_[test];
  if (!asked.id.empty()) return;
  SimOrchestrator* orchestrator = AnyServing();
  if (orchestrator == nullptr) {
    timeline_.At(timeline_.now() + kAskAgainNs, [this, test] { Ask(test); });
    return;
  }
  CreateRequest create;
  create.request.set_request_id(asked.plan.request_id);
  create.request.set_load_test_id(asked.plan.id);
  *create.request.mutable_spec() = asked.plan.spec;
  create.fresh_id = absl::StrFormat("fresh-%x", random_.Next());
  auto answered = std::make_shared<bool>(false);
  const auto again = [this, test, answered] {
    if (*answered) return;
    *answered = true;
    Ask(test);
  };
  timeline_.At(timeline_.now() + kAnswerWithinNs, again);
  orchestrator->Submit(std::move(create), [this, test, answered, again,
                                           orchestrator](const absl::Status& status) {
    if (*answered) return;
    if (!status.ok()) {
      trace_.Line("create %s: %s", asked_[test].plan.request_id, std::string(status.message()));
      timeline_.At(timeline_.now() + kAskAgainNs, again);
      return;
    }
    *answered = true;
    const v1::LoadTest* made = orchestrator->core().FindByRequestId(asked_[test].plan.request_id);
    if (made == nullptr) return;
    asked_[test].id = made->name().substr(std::string_view("loadTests/").size());
    trace_.Line("created %s", asked_[test].id);
  });
}

// An orchestrator that dies answers nobody: without this, what it was asked would never be done.
void World::AskAgainUnless(std::shared_ptr<bool> answered, std::function<void()> again) {
  timeline_.At(timeline_.now() + kAnswerWithinNs,
               [answered = std::move(answered), again = std::move(again)] {
                 if (!std::exchange(*answered, true)) again();
               });
}

void World::AskStop(size_t test) {
  const auto again = [this, test] { AskStop(test); };
  AskedTest& asked = asked_[test];
  SimOrchestrator* orchestrator = AnyServing();
  if (asked.id.empty() || orchestrator == nullptr) {
    timeline_.At(timeline_.now() + kAskAgainNs, again);
    return;
  }
  trace_.Line("stop of %s asked for", asked.id);
  auto answered = std::make_shared<bool>(false);
  AskAgainUnless(answered, again);
  orchestrator->Submit(StopRequest{asked.id, "enough"},
                       [this, answered, again](const absl::Status& status) {
                         if (std::exchange(*answered, true)) return;
                         if (absl::IsUnavailable(status))
                           timeline_.At(timeline_.now() + kAskAgainNs, again);
                       });
}

void World::AskDelete(size_t test) {
  const auto again = [this, test] { AskDelete(test); };
  AskedTest& asked = asked_[test];
  SimOrchestrator* orchestrator = AnyServing();
  if (asked.id.empty() || orchestrator == nullptr) {
    timeline_.At(timeline_.now() + kAskAgainNs, again);
    return;
  }
  auto answered = std::make_shared<bool>(false);
  AskAgainUnless(answered, again);
  orchestrator->Submit(DeleteRequest{asked.id},
                       [this, test, answered, again](const absl::Status& status) {
                         if (std::exchange(*answered, true)) return;
                         trace_.Line("delete %s: %s", asked_[test].id, status.ToString());
                         if (status.ok() || absl::IsNotFound(status)) {
                           asked_[test].deleted = true;
                           timeline_.At(timeline_.now() + random_.Between(0, 15) * kNanosPerSecond,
                                        [this, test] { AskForSameId(test); });
                         } else {
                           timeline_.At(timeline_.now() + kAskAgainNs, again);
                         }
                       });
}

void World::AskForSameId(size_t test) {
  const auto again = [this, test] { AskForSameId(test); };
  SimOrchestrator* orchestrator = AnyServing();
  if (orchestrator == nullptr) {
    timeline_.At(timeline_.now() + kAskAgainNs, again);
    return;
  }
  const AskedTest& asked = asked_[test];
  CreateRequest create;
  create.request.set_request_id(asked.plan.request_id + "-again");
  create.request.set_load_test_id(asked.id);
  *create.request.mutable_spec() = asked.plan.spec;
  auto answered = std::make_shared<bool>(false);
  AskAgainUnless(answered, again);
  orchestrator->Submit(std::move(create),
                       [this, test, answered, again](const absl::Status& status) {
                         if (std::exchange(*answered, true)) return;
                         trace_.Line("create %s again: %s", asked_[test].id, status.ToString());
                         asked_[test].refused_again = absl::IsAlreadyExists(status);
                         asked_[test].made_again = status.ok();
                         if (!asked_[test].refused_again && !asked_[test].made_again)
                           timeline_.At(timeline_.now() + kAskAgainNs, again);
                       });
}

}  // namespace loadtest::sim
