#ifndef CLI_OUTPUT_LINK_TEXT_H_
#define CLI_OUTPUT_LINK_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sas/v1/resources.pb.h"

// Links and their bandwidth, as text for people. Pure functions.
namespace sasd::cli {

// A link of `width` lanes at `rate`. A width of 0 means not known.
struct Link {
  int32_t width = 0;
  sas::v1::LinkRate rate = sas::v1::LINK_RATE_UNSPECIFIED;
};

// Of one lane, in units of 0.1 Gbit/s; 0 for a link that is down or has no known rate.
int64_t LaneTenths(sas::v1::LinkRate rate);
// Of all lanes together, in units of 0.1 Gbit/s.
int64_t Tenths(const Link& link);

// "4x12G"; "2 x 4x12G + 1x6G" for several, the fastest first. "-" for none.
std::string LinkText(std::vector<Link> links);

// Gbit/s: "48", "1.5"; "-" where it is not known.
std::string GbitText(int64_t tenths);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_LINK_TEXT_H_
