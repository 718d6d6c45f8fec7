#include "common/bus/kafka_leaders.h"

#include <nlohmann/json.hpp>
#include <set>

namespace loadtest {
namespace {

using Json = nlohmann::json;

// The member of an object; null when there is none.
const Json& At(const Json& object, const std::string& name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto it = object.find(name);
  return it == object.end() ? kNull : *it;
}

int64_t NumberAt(const Json& object, const std::string& name) {
  const Json& number = At(object, name);
  return number.is_number_integer() ? number.get<int64_t>() : -1;
}

}  // namespace

bool LeadersAnswer(std::string_view statistics,
                   const std::vector<std::pair<std::string, int32_t>>& partitions,
                   std::chrono::microseconds patience) {
  const Json all = Json::parse(statistics, /*cb=*/nullptr, /*allow_exceptions=*/false);
  std::set<int64_t> answering;
  for (const Json& broker : At(all, "brokers")) {
    // rxidle: microseconds since something came; -1 when nothing has on this connection.
    if (At(broker, "state") == "UP" && NumberAt(broker, "rxidle") <= patience.count())
      answering.insert(NumberAt(broker, "nodeid"));
  }
  for (const auto& [topic, number] : partitions) {
    const Json& partition =
        At(At(At(At(all, "topics"), topic), "partitions"), std::to_string(number));
    if (!partition.is_object()) continue;
    const int64_t leader = NumberAt(partition, "leader");
    // A replica that is nearer may be the one that is read from. Below 0 are addresses, not
    // brokers.
    const int64_t broker = NumberAt(partition, "broker");
    if (leader < 0 || !answering.contains(broker < 0 ? leader : broker)) return false;
  }
  return true;
}

}  // namespace loadtest
