#include "cli/query/filter_keys.h"

namespace sasd::cli {
namespace {

using sas::v1::RESOURCE_KIND_ENCLOSURE;
using sas::v1::RESOURCE_KIND_END_DEVICE;
using sas::v1::RESOURCE_KIND_EXPANDER;
using sas::v1::RESOURCE_KIND_HOST;
using sas::v1::RESOURCE_KIND_LOGICAL_UNIT;
using sas::v1::RESOURCE_KIND_PHY;
using sas::v1::RESOURCE_KIND_PORT;
using sas::v1::RESOURCE_KIND_SLOT;

FilterKey Host() { return {"host", "hosts", {RESOURCE_KIND_HOST}}; }
FilterKey Node(const char* key, const char* field) {
  return {key, field, {RESOURCE_KIND_HOST, RESOURCE_KIND_EXPANDER}};
}
FilterKey Enclosure() { return {"enclosure", "enclosure", {RESOURCE_KIND_ENCLOSURE}}; }
FilterKey Plain(const char* key, const char* field) { return {key, field, {}}; }

std::vector<FilterKey> MakeKeys(sas::v1::ResourceKind kind) {
  switch (kind) {
    case RESOURCE_KIND_PHY:
      return {Host(), Node("owner", "owner"), Plain("rate", "link_rates"),
              Plain("linked", "attached")};
    case RESOURCE_KIND_PORT:
      return {Host(), Node("owner", "owner"), Plain("min-width", "minimum_width")};
    case RESOURCE_KIND_EXPANDER:
      return {Host(), Node("parent", "parent"), Enclosure()};
    case RESOURCE_KIND_END_DEVICE:
      return {Host(),
              Node("parent", "parent"),
              Enclosure(),
              Plain("state", "states"),
              Plain("protocol", "target_protocols"),
              Plain("vendor", "vendor"),
              Plain("model", "model"),
              Plain("serial", "serial"),
              Plain("block-device", "block_device")};
    case RESOURCE_KIND_LOGICAL_UNIT:
      return {Host(),
              Enclosure(),
              Plain("type", "peripheral_types"),
              Plain("vendor", "vendor"),
              Plain("model", "model"),
              Plain("serial", "serial"),
              Plain("block-device", "block_device"),
              Plain("max-paths", "maximum_path_count")};
    case RESOURCE_KIND_ENCLOSURE:
      return {Host(), Plain("vendor", "vendor"), Plain("model", "model")};
    case RESOURCE_KIND_SLOT:
      return {Enclosure(), Plain("occupied", "occupied")};
    default:
      return {};
  }
}

}  // namespace

const std::vector<FilterKey>& FilterKeysOf(sas::v1::ResourceKind kind) {
  static const auto& keys = *new std::vector<std::vector<FilterKey>>([] {
    std::vector<std::vector<FilterKey>> all;
    for (int i = 0; i < sas::v1::ResourceKind_ARRAYSIZE; ++i) {
      all.push_back(MakeKeys(static_cast<sas::v1::ResourceKind>(i)));
    }
    return all;
  }());
  const size_t index = static_cast<size_t>(kind);
  return keys[index < keys.size() ? index : 0];
}

}  // namespace sasd::cli
