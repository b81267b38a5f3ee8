#include "cli/output/link_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/output/format.h"

namespace sasd::cli {

int64_t LaneTenths(sas::v1::LinkRate rate) {
  switch (rate) {
    case sas::v1::LINK_RATE_1_5_GBPS:
      return 15;
    case sas::v1::LINK_RATE_3_GBPS:
      return 30;
    case sas::v1::LINK_RATE_6_GBPS:
      return 60;
    case sas::v1::LINK_RATE_12_GBPS:
      return 120;
    case sas::v1::LINK_RATE_22_5_GBPS:
      return 225;
    default:
      return 0;
  }
}

int64_t Tenths(const Link& link) { return link.width * LaneTenths(link.rate); }

std::string LinkText(std::vector<Link> links) {
  links.erase(
      std::remove_if(links.begin(), links.end(), [](const Link& link) { return link.width == 0; }),
      links.end());
  if (links.empty()) return "-";
  std::stable_sort(links.begin(), links.end(), [](const Link& a, const Link& b) {
    return Tenths(a) != Tenths(b) ? Tenths(a) > Tenths(b) : a.width > b.width;
  });
  std::string text;
  for (auto begin = links.begin(); begin != links.end();) {
    const auto end = std::find_if(begin, links.end(), [&](const Link& link) {
      return link.width != begin->width || link.rate != begin->rate;
    });
    const int64_t alike = end - begin;
    absl::StrAppend(&text, text.empty() ? "" : " + ", alike == 1 ? "" : absl::StrCat(alike, " x "),
                    begin->width, "x", ShortRate(begin->rate));
    begin = end;
  }
  return text;
}

std::string GbitText(int64_t tenths) {
  if (tenths == 0) return "-";
  return tenths % 10 == 0 ? absl::StrCat(tenths / 10) : absl::StrCat(tenths / 10, ".", tenths % 10);
}

}  // namespace sasd::cli
